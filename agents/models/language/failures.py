"""pydantic-ai's errors as ours: which may be tried again, and one clean sentence for each.

No provider's text goes into the sentence: it may hold the request, a key or a page of HTML.
"""

from typing import Never

from pydantic_ai import exceptions

from protocols.errors import ModelFailed

PASSING = (
    exceptions.ModelRateLimitError,
    exceptions.ModelUnavailableError,
    exceptions.ModelServerError,
    exceptions.ModelConnectionError,
)


def fail(error: exceptions.AgentRunError, *, provider: str, model: str) -> Never:
    """Raises our error for theirs, with the status where there is one.

    Raises:
        ModelFailed: Always.
    """
    status = (
        f" (status {error.status_code})" if isinstance(error, exceptions.ModelHTTPError) else ""
    )
    raise ModelFailed(f"{_sentence(error, provider=provider, model=model)}{status}") from error


def _sentence(error: exceptions.AgentRunError, *, provider: str, model: str) -> str:  # noqa: C901  a table of sentences
    match error:
        case exceptions.ModelQuotaExceededError():
            return f"{provider} refuses the request: the account's quota or credit is used up"
        case exceptions.ModelRateLimitError():
            return f"{provider} refuses the request: its rate limit is reached"
        case exceptions.ModelAuthenticationError():
            return f"{provider} refuses the key of this installation"
        case exceptions.ModelNotFoundError():
            return f"{provider} has no model {model!r}, or its address is wrong"
        case exceptions.ModelContextWindowExceededError():
            return f"the conversation is longer than the model {model!r} of {provider} can read"
        case exceptions.ModelRequestRejectedError():
            return f"{provider} rejected the request for the model {model!r}"
        case exceptions.ModelOverloadedError() | exceptions.ModelUnavailableError():
            return f"{provider} cannot answer now: it is unavailable or overloaded"
        case exceptions.ModelServerError():
            return f"{provider} failed on its side"
        case exceptions.ModelTimeoutError() | exceptions.ModelRequestTimeout():
            return f"{provider} did not answer in time"
        case exceptions.ModelConnectionError():
            if error.phase in {"connect", "pool"}:
                return f"{provider} cannot be reached"
            return f"the connection to {provider} broke before the answer was whole"
        case exceptions.ContentFilterError():
            return f"{provider} withheld the answer by its content filter"
        case exceptions.ModelAPIError() if not isinstance(error, exceptions.ModelHTTPError):
            return f"{provider} ended the answer in the middle"
        case exceptions.UnexpectedModelBehavior():
            return f"{provider} sent an answer that cannot be read"
        case _:
            return f"{provider} failed"
