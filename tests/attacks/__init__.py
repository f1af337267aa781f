"""What strangers try, through real sockets, while others are being served.

Each attack gets the answer that it should, and a good request before, during and after it is
answered the same. SECURITY.md says what is promised, and which of these holds it to it.
"""
