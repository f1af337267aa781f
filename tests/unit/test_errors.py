import inspect

from easyportrait import errors


def kinds() -> list[type[errors.EasyPortraitError]]:
    return [
        value
        for _, value in inspect.getmembers(errors, inspect.isclass)
        if issubclass(value, errors.EasyPortraitError)
    ]


def test_the_drawn_tree_is_the_tree() -> None:
    """Each class stands in the docstring with its own code and statuses."""
    drawn = {
        line.split()[-4]: line.split()[-3:]
        for line in (errors.__doc__ or "").splitlines()
        if len(line.split()) >= 4 and line.split()[-1].isdigit()
    }
    for kind in kinds():
        if kind is errors.EasyPortraitError:
            continue
        assert drawn[kind.__name__] == [kind.code, str(kind.exit_status), str(kind.http_status)]


def test_codes_are_unique_and_statuses_are_errors() -> None:
    codes = [kind.code for kind in kinds()]
    assert len(set(codes)) == len(codes)
    assert all(kind.exit_status not in (0, 2) for kind in kinds())


def test_an_unknown_model_is_answered_with_the_nearest() -> None:
    message = str(errors.UnknownModel("embeded", ["embedded", "b0"]))
    assert "Did you mean 'embedded'?" in message and "b0, embedded" in message


def test_a_missing_extra_says_how_to_get_it() -> None:
    assert 'pip install "easyportrait[train]"' in str(errors.MissingExtra("train", "torch"))
