"""The third door: parse, apply, models and effects over HTTP, for whoever may not install it.

    protocol ─ guard ─ app ─ body ─ places ─ answers
    (sockets)  (who,   (what is   (what     (a thread  (the work, as Python
               how     asked)     came)     a core)    and command line do it)
               much)

Nothing in a request is ever taken for a path, an address or a model's file, and nothing is
written to disk.
"""
