"""How an answer ended, and which ends make it no answer: cut, withheld, broken off, or used up.

Every provider says a reason at the end of a stream. One that says none was cut on the way, however
cleanly the connection was closed.
"""

from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart

from protocols.errors import ModelFailed


def finish_reason(response: ModelResponse, *, provider: str, model: str) -> str:
    """The reason of an answer that may be used.

    Raises:
        ModelFailed: It may not.
    """
    match told := response.finish_reason or _their_own(response):
        case None:
            raise ModelFailed(
                f"{provider} ended the answer in the middle; submit the task once more"
            )
        case "content_filter":
            raise ModelFailed(
                f"{provider} withheld the answer by its content filter: change what is asked, or "
                "the agent's instructions"
            )
        case "error":
            raise ModelFailed(
                f"the model {model!r} of {provider} broke its answer off; submit the task once more"
            )
        case "length" if not _says_something(response):
            raise ModelFailed(
                f"the model {model!r} of {provider} used up its output before it wrote an answer: "
                "raise max_output_tokens of the agent"
            )
        case _:
            return told


def _their_own(response: ModelResponse) -> str | None:
    """The provider's word where the packages know no common one."""
    reason = (response.provider_details or {}).get("finish_reason")
    return reason.lower() if isinstance(reason, str) and reason else None


def _says_something(response: ModelResponse) -> bool:
    return any(
        isinstance(part, ToolCallPart) or (isinstance(part, TextPart) and part.content.strip())
        for part in response.parts
    )
