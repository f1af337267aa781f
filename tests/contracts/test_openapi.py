"""What /openapi.json says, held against what is answered: to data as it says, and as it forbids."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.unit.serve.asking import Served, photo, serving

schemathesis = pytest.importorskip("schemathesis")  # which Python 3.10 is too old for

ADDRESSES = [
    *("POST /v1/parse", "POST /v1/apply", "GET /v1/models", "GET /v1/effects"),
    *("GET /healthz", "GET /metrics"),
]
TRIES = settings(
    max_examples=8,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def told() -> Iterator[tuple[Served, Any]]:
    with serving() as served:
        yield served, schemathesis.openapi.from_url(f"http://127.0.0.1:{served.port}/openapi.json")


def checks() -> list[Any]:
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi import checks as openapi

    return [
        not_a_server_error,
        openapi.status_code_conformance,
        openapi.content_type_conformance,
        openapi.response_headers_conformance,
        openapi.response_schema_conformance,
    ]


def operations(schema: Any) -> dict[str, Any]:
    found = [result.ok() for result in schema.get_all_operations()]
    return {f"{one.method.upper()} {one.path}": one for one in found}


def test_every_address_is_tried(told: tuple[Served, Any]) -> None:
    assert sorted(operations(told[1])) == sorted(ADDRESSES)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("address", "mode"),
    [
        *((address, "positive") for address in ADDRESSES),
        *((address, "negative") for address in ADDRESSES[:2]),  # the rest take nothing
    ],
)
def test_answers_are_as_it_says(address: str, mode: str, told: tuple[Served, Any]) -> None:
    """No status, kind or shape of an answer that it does not name, and no fault of ours."""
    _, schema = told
    operation = operations(schema)[address]
    seen: set[int] = set()

    @TRIES
    @given(case=operation.as_strategy(schemathesis.GenerationMode(mode)))
    def each(case: Any) -> None:
        if isinstance(case.body, dict) and mode == "positive":
            # random bytes are no pictures, and nothing behind them would be reached
            case.body |= {name: photo() for name in ("picture", "background") if name in case.body}
        answer = case.call(timeout=10)
        case.validate_response(answer, checks=checks())
        seen.add(answer.status_code)

    each()
    assert seen and seen <= {200, 400, 404, 413, 422}
    assert mode == "positive" or 200 not in seen
