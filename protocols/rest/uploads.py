"""Reading an uploaded document out of a request: one file of a form, or text in JSON."""

from dataclasses import dataclass
from mimetypes import guess_type

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from protocols.errors import InvalidRequest
from protocols.knowledge import NewDocument
from protocols.rest.bodies import refuse_nul

MAX_FIELD_BYTES = 64 * 1024
MAX_TITLE = 300
MAX_SOURCE = 2000
FIELDS = ("file", "title", "source")
MARKDOWN_ENDINGS = (".md", ".markdown")

BODY: dict[str, object] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "additionalProperties": False,
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "The document; its name becomes the source.",
                        },
                        "title": {"type": "string", "maxLength": MAX_TITLE},
                        "source": {"type": "string", "maxLength": MAX_SOURCE},
                    },
                },
            },
            "application/json": {"schema": {"$ref": "#/components/schemas/NewDocument"}},
        },
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A document as it was sent."""

    content: bytes
    title: str
    source: str
    media_type: str


async def read_upload(request: Request) -> Upload:
    """The document in the request.

    Raises:
        InvalidRequest: A field is missing or too long.
        RequestValidationError: The JSON does not fit.
        HTTPException: 415, it is neither a form in UTF-8 nor JSON.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "application/json":
        return _from_json(await request.json())
    if media_type == "multipart/form-data":
        _refuse_other_than_utf8(request)
        async with request.form(max_files=1, max_fields=8, max_part_size=MAX_FIELD_BYTES) as form:
            return await _from_form(form)
    raise HTTPException(415, "send multipart/form-data with a file, or application/json with text")


def _refuse_other_than_utf8(request: Request) -> None:
    """Fields would be decoded by whatever the form names: some of Python's codecs take seconds."""
    _, options = parse_options_header(request.headers.get("content-type", ""))
    charset = options.get(b"charset", b"utf-8").lower()
    if charset not in (b"utf-8", b"utf8", b"us-ascii"):
        raise HTTPException(415, "the fields of a form are read as UTF-8; name no other charset")


def _from_json(value: object) -> Upload:
    try:
        document = NewDocument.model_validate(value)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False)) from None
    return Upload(
        content=document.text.encode(),
        title=document.title,
        source=document.source,
        media_type=document.media_type,
    )


async def _from_form(form: FormData) -> Upload:
    for name in form:
        if name not in FIELDS:
            known = ", ".join(FIELDS)
            raise InvalidRequest(f"a form has {known}, and no {name[:80]!a}", field=name[:80])
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise InvalidRequest("the form has no file named file", field="file")
    name = file.filename or ""
    source = _text(form, "source", MAX_SOURCE) or name[:MAX_SOURCE]
    refuse_nul(source)
    return Upload(
        content=await file.read(),
        title=_text(form, "title", MAX_TITLE),
        source=source,
        media_type=_media_type(file, name),
    )


def _text(form: FormData, name: str, limit: int) -> str:
    value = form.get(name, "")
    if not isinstance(value, str):
        raise InvalidRequest(f"{name} is a text field, not a file", field=name)
    if len(value) > limit:
        raise InvalidRequest(
            f"{name} has {len(value)} characters; at most {limit} are kept", field=name
        )
    refuse_nul(value)
    return value


def _media_type(file: UploadFile, name: str) -> str:
    """By the file's ending first: clients often send Markdown as octets or as plain text."""
    if name.lower().endswith(MARKDOWN_ENDINGS):
        return "text/markdown"
    declared = (file.content_type or "").partition(";")[0].strip().lower()
    guessed = guess_type(name)[0]
    return guessed or declared or "application/octet-stream"
