"""The calculator: arithmetic by our own walk over Python's syntax tree, never by `eval`.

Bounded on every side, since a model writes the expression: its length, its depth, the size of
whole numbers, exponents and factorials. So no expression runs longer than some milliseconds.
"""

import ast
import math
from collections.abc import Callable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from agents.tool import ToolContext, ToolResult, checked, schema
from protocols.errors import ToolFailed
from protocols.steps import StepKind

MAX_CHARACTERS = 500
MAX_DEPTH = 60
MAX_BITS = 4096  # of a whole number on the way
MAX_FACTORIAL = 400
MAX_ROUNDING = 30  # digits
MAX_DECIMAL_DIGITS = 200  # of a whole number in the answer; beyond it, a float

Number = int | float

_BINARY: dict[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: lambda left, right: left + right,
    ast.Sub: lambda left, right: left - right,
    ast.Mult: lambda left, right: left * right,
    ast.Div: lambda left, right: left / right,
    ast.FloorDiv: lambda left, right: left // right,
    ast.Mod: lambda left, right: left % right,
}
_UNARY: dict[type[ast.unaryop], Callable[[Number], Number]] = {
    ast.UAdd: lambda value: value,
    ast.USub: lambda value: -value,
}
_CONSTANTS: dict[str, Number] = {"pi": math.pi, "e": math.e, "tau": math.tau}


def _factorial(value: Number) -> Number:
    if not isinstance(value, int) or not 0 <= value <= MAX_FACTORIAL:
        raise ToolFailed(f"factorial takes a whole number from 0 to {MAX_FACTORIAL}, not {value}")
    return math.factorial(value)


def _rounded(value: Number, digits: Number = 0) -> Number:
    if abs(digits) > MAX_ROUNDING:  # round(5, -10**9) would work out 10**10**9
        raise ToolFailed(f"round takes at most {MAX_ROUNDING} digits, not {digits}")
    return round(value, int(digits)) if digits else round(value)


def _absolute(value: Number) -> Number:
    return abs(value)


def _least(first: Number, *others: Number) -> Number:
    return min((first, *others))


def _greatest(first: Number, *others: Number) -> Number:
    return max((first, *others))


def _floor(value: Number) -> Number:
    return math.floor(value)


def _ceiling(value: Number) -> Number:
    return math.ceil(value)


_FUNCTIONS: dict[str, Callable[..., Number]] = {
    "abs": _absolute,
    "round": _rounded,
    "floor": _floor,
    "ceil": _ceiling,
    "sqrt": math.sqrt,
    "exp": math.exp,
    "ln": math.log,
    "log": math.log,
    "log10": math.log10,
    "log2": math.log2,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "asin": math.asin,
    "acos": math.acos,
    "atan": math.atan,
    "degrees": math.degrees,
    "radians": math.radians,
    "hypot": math.hypot,
    "min": _least,
    "max": _greatest,
    "factorial": _factorial,
}


class Arguments(BaseModel):
    """What to work out."""

    model_config = ConfigDict(extra="forbid")

    expression: Annotated[
        str,
        Field(
            min_length=1,
            max_length=MAX_CHARACTERS,
            description="Such as (3 + 4) * 2 ** 5 / sqrt(16). + - * / // % **, brackets, pi, e, "
            + ", ".join(sorted(_FUNCTIONS)),
        ),
    ]


class Calculator:
    """Exact whole numbers, floats otherwise."""

    name = "calculator"
    kind = StepKind.TOOL
    description = "Works out an arithmetic expression exactly. Use it for every calculation."
    parameters = schema(Arguments)

    async def call(self, arguments: object, context: ToolContext) -> ToolResult:
        """The value; see `agents.tool.Tool`."""
        del context  # arithmetic needs nothing of the task
        expression = checked(self.name, arguments, against=Arguments).expression
        value = evaluate(expression)
        return ToolResult(
            value={"expression": expression, "result": value}, summary=f"= {value}"[:40]
        )


def evaluate(expression: str) -> Number:
    """The value of an expression; it takes milliseconds at most.

    Raises:
        ToolFailed: It is no arithmetic, has no finite value, or is over a bound.
    """
    try:
        tree = ast.parse(expression.strip().replace("^", "**"), mode="eval")
        return _presentable(_value(tree.body, depth=0), expression)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        raise ToolFailed(f"{expression[:80]!r} is not arithmetic the calculator knows") from None
    except ZeroDivisionError:
        raise ToolFailed(f"{expression[:80]!r} divides by zero") from None
    except OverflowError:
        raise ToolFailed(f"the value of {expression[:80]!r} is too large") from None


def _value(node: ast.expr, *, depth: int) -> Number:
    if depth > MAX_DEPTH:
        raise ToolFailed(f"the expression is nested deeper than {MAX_DEPTH}")
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return _bounded(number)
        case ast.Name(id=name) if name in _CONSTANTS:
            return _CONSTANTS[name]
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
            return _UNARY[type(op)](_value(operand, depth=depth + 1))
        case ast.BinOp(left=left, op=op, right=right):
            return _combined(_value(left, depth=depth + 1), op, _value(right, depth=depth + 1))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _FUNCTIONS:
            values = [_value(argument, depth=depth + 1) for argument in arguments]
            return _bounded(_FUNCTIONS[name](*values))
        case _:
            raise ToolFailed(f"the calculator knows no {ast.unparse(node)[:60]!r}")


def _combined(left: Number, op: ast.operator, right: Number) -> Number:
    if isinstance(op, ast.Pow):
        return _power(left, right)
    if type(op) not in _BINARY:
        raise ToolFailed(f"the calculator knows no operator {type(op).__name__}")
    return _bounded(_BINARY[type(op)](left, right))


def _power(base: Number, exponent: Number) -> Number:
    # Judged before it is worked out: 9**9**9 would hold the worker for hours.
    if isinstance(base, int) and isinstance(exponent, int) and exponent >= 0:
        if base.bit_length() * exponent > MAX_BITS and abs(base) > 1:
            raise ToolFailed(f"{base} ** {exponent} is over {MAX_BITS} bits")
        return base**exponent
    value = float(base) ** float(exponent)
    if isinstance(value, complex):
        raise ToolFailed(f"{base} ** {exponent} is not a real number")
    return value


def _bounded(value: Number) -> Number:
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise ToolFailed(f"a number on the way is over {MAX_BITS} bits")
    return value


def _presentable(value: Number, expression: str) -> Number:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ToolFailed(f"{expression[:80]!r} has no finite value")
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    return value if abs(value) < 10**MAX_DECIMAL_DIGITS else float(value)
