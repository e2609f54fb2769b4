"""pydantic-ai's errors as ours: which may be tried again, and one clean sentence for each.

A sentence names the provider, what happened, and what to do, with the variable to look at. No
provider's text goes into it: it may hold the request, a key or a page of HTML.
"""

import math
from typing import Never

from pydantic_ai import exceptions

from agents.models.providers import PROVIDERS
from protocols.errors import ModelFailed

PASSING = (
    exceptions.ModelRateLimitError,
    exceptions.ModelUnavailableError,
    exceptions.ModelServerError,
    exceptions.ModelConnectionError,
)
LATER = "submit the task again later"


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
    key, address = PROVIDERS[provider].key_variables, _address(provider)
    match error:
        case exceptions.ModelQuotaExceededError():
            return (
                f"{provider} refuses the request: the account's quota or credit is used up; add "
                f"credit there, or set another key in {key}"
            )
        case exceptions.ModelRateLimitError():
            return f"{provider} refuses the request: its rate limit is reached; {_later(error)}"
        case exceptions.ModelAuthenticationError():
            return (
                f"{provider} refuses the key in {key}: set one for the workers that may use the "
                f"model {model!r}"
            )
        case exceptions.ModelNotFoundError():
            return (
                f"{provider} has no model {model!r}, or its address is wrong: look at the agent's "
                f"model{address}"
            )
        case exceptions.ModelContextWindowExceededError():
            return (
                f"the conversation is longer than the model {model!r} of {provider} can read: ask "
                "for less, or choose a model that reads more"
            )
        case exceptions.ModelHTTPError(status_code=413):
            return f"the request is larger than {provider} takes: ask for less"
        case exceptions.ModelRequestRejectedError():
            return (
                f"{provider} rejected the request for the model {model!r}: look whether it takes "
                "the agent's tools, temperature and max_output_tokens"
            )
        case exceptions.ModelUnavailableError():
            return f"{provider} cannot answer now: it is unavailable or overloaded; {_later(error)}"
        case exceptions.ModelServerError():
            return f"{provider} failed on its side; {LATER}"
        case exceptions.ModelConnectionError(phase="connect" | "pool"):
            return f"{provider} cannot be reached: look at the workers' network{address}"
        case exceptions.ModelTimeoutError() | exceptions.ModelRequestTimeout():
            return f"{provider} did not answer in time; {LATER}, or raise limits.seconds"
        case exceptions.ModelConnectionError():
            return f"the connection to {provider} broke before the answer was whole; {LATER}"
        case exceptions.ContentFilterError():
            return f"{provider} withheld the answer by its content filter"
        case exceptions.ModelAPIError() if not isinstance(error, exceptions.ModelHTTPError):
            return f"{provider} ended the answer in the middle; {LATER}"
        case exceptions.UnexpectedModelBehavior():
            return f"{provider} sent an answer that cannot be read; {LATER}{address}"
        case _:
            return f"{provider} failed; {LATER}"


def _address(provider: str) -> str:
    """Where else to look, at the end of a sentence."""
    variables = PROVIDERS[provider].url_variables
    return f", and look at {variables} if it is set" if variables else ""


def _later(error: exceptions.ModelAPIError) -> str:
    if error.retry_after is None:
        return LATER
    return f"it may be asked again in {math.ceil(error.retry_after)} seconds"
