"""What /openapi.json says beyond what the code says: bodies, answers, examples."""

from typing import Any

ABOUT = (
    "A photograph of a person in; what every pixel is, or a better photograph, out. "
    'Errors are {"error": code, "message": text} with the status that belongs to the code.'
)
BINARY = {"type": "string", "format": "binary"}
EXAMPLE = {
    "retouched before a blur": {
        "value": {
            "effects": '{"whiten-teeth": 0.6, "smooth-skin": {"tone": 0.8}, "background": "blur"}',
            "output": "jpeg",
        }
    },
    "before a colour": {"value": {"effects": '{"background": "#00ff00"}'}},
    "cut out": {"value": {"effects": '{"background": "remove"}', "output": "webp"}},
    "before the part 'background'": {
        "value": {"effects": '{"replace-background": {"fit": "contain", "match": 0.5}}'}
    },
}


def problem(text: str, code: str, message: str) -> dict[str, Any]:
    schema = {
        "type": "object",
        "required": ["error", "message"],
        "properties": {"error": {"type": "string"}, "message": {"type": "string"}},
    }
    example = {"error": code, "message": message}
    content = {"application/json": {"schema": schema, "example": example}}
    return {"description": text, "content": content}


ANYWHERE: dict[int | str, dict[str, Any]] = {
    400: problem(
        "No request that can be read.", "request-refused", "that is no HTTP, or its headers are ..."
    ),
    403: problem(
        "Called by a name that is not its own, or by another site's page.",
        "other-site",
        "other sites may not use this server",
    ),
    413: problem(
        "Too many bytes, parts or pixels.", "body-too-large", "a request has at most 32000000 bytes"
    ),
    431: problem(
        "Headers too long.", "head-too-large", "a request's headers have at most 16384 bytes"
    ),
}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: problem("No token, or a wrong one.", "unauthorised", "this server wants its token"),
    404: problem("No such model.", "unknown-model", "there is no model 'x'. Models: embedded."),
    408: problem("The body came too slowly.", "too-slow", "the body came too slowly"),
    422: problem(
        "A picture that is none, or a wish that cannot be met.",
        "bad-knob",
        "whiten-teeth: amount takes a number from 0 to 1, got 7",
    ),
    429: problem("Too much to do; Retry-After says when.", "busy", "18 requests are here already"),
    503: problem("No answer in time.", "took-too-long", "there was no answer within 60 s"),
}
PROBLEMS[429]["headers"] = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
}


def body(properties: dict[str, Any], examples: dict[str, Any]) -> dict[str, Any]:
    form: dict[str, Any] = {
        "schema": {"type": "object", "required": ["picture"], "properties": properties}
    }
    if examples:
        form["examples"] = examples
    content = {"image/*": {"schema": BINARY}, "multipart/form-data": form}
    return {"requestBody": {"required": True, "content": content}}


def pictures(*kinds: str) -> dict[str, Any]:
    return {kind: {"schema": BINARY} for kind in kinds}


LABELS = {
    "description": "Labels: one byte a pixel, at the picture's size. Or a cutout, or JSON.",
    "content": pictures("image/png")
    | {
        "application/json": {
            "example": {
                "source": "picture",
                "width": 512,
                "height": 512,
                "model": "embedded 1",
                "classes": {"teeth": {"index": 8, "pixels": 310, "share": 0.001183}},
                "faces": [{"box": [170.0, 70.0, 300.0, 260.0], "roll": 3.1, "yaw": -8.0}],
            }
        }
    },
}
PARSE: dict[str, Any] = {
    "responses": {200: LABELS, **PROBLEMS},
    "openapi_extra": body({"picture": BINARY}, {}),
}
APPLY: dict[str, Any] = {
    "responses": {
        200: {
            "description": "The picture.",
            "content": pictures("image/png", "image/jpeg", "image/webp"),
        },
        **PROBLEMS,
    },
    "openapi_extra": body(
        {
            "picture": BINARY,
            "background": BINARY,
            "effects": {
                "type": "string",
                "description": "JSON: effect -> true, a value, or {knob: value}; /v1/effects.",
            },
            "output": {"type": "string", "enum": ["png", "jpeg", "webp"]},
        },
        EXAMPLE,
    ),
}
MODELS: dict[str, Any] = {"responses": {401: PROBLEMS[401]}}
EFFECTS: dict[str, Any] = {"responses": {401: PROBLEMS[401]}}
METRICS: dict[str, Any] = {
    "responses": {
        200: {
            "description": "Counts, as Prometheus reads them.",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        },
        401: PROBLEMS[401],
    }
}
