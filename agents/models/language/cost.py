"""What a model call cost, by genai-prices' own table of dated prices. No network."""

from decimal import ROUND_HALF_UP, Decimal

from genai_prices import calc_price
from pydantic_ai.messages import ModelResponse

MOST_COST = 10**12  # a million dollars for one answer; whoever says more is wrong
_MICRO = Decimal(1_000_000)


def micro_dollars(response: ModelResponse, *, provider: str, asked: str) -> int | None:
    """The price of an answer, rounded; None when no table knows the model.

    Asked in turn: the address that answered, then the provider's own prices. So a proxy to a
    provider costs what the provider costs, and a model of one's own has no price.
    """
    if not response.usage.input_tokens and not response.usage.output_tokens:
        return None
    if response.usage.cost is not None:
        return _rounded(response.usage.cost)
    for name in dict.fromkeys((response.model_name or asked, asked)):
        price = _by_address(response, name) or _by_provider(response, name, provider)
        if price is not None:
            return _rounded(price)
    return None


def _by_address(response: ModelResponse, name: str) -> Decimal | None:
    try:
        url = response.provider_url or ""
        return calc_price(response.usage, name, provider_api_url=url).total_price
    except (LookupError, ValueError):
        return None


def _by_provider(response: ModelResponse, name: str, provider: str) -> Decimal | None:
    try:
        return calc_price(response.usage, name, provider_id=provider).total_price
    except (LookupError, ValueError):
        return None


def _rounded(dollars: Decimal) -> int:
    cost = int((dollars * _MICRO).to_integral_value(ROUND_HALF_UP))
    return min(max(cost, 0), MOST_COST)
