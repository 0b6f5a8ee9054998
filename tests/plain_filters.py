"""Filters by the letter of the grammar: made at random, spelled at random, and held against plain values."""

import json
import operator
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from nightlatch.core.questions import lowered
from nightlatch.kernel.filters import All, Comparison, Filter, Not, Op, Some

Row = Mapping[str, Any]
Said = st.SearchStrategy[Filter]
_ORDER: dict[Op, Callable[[Any, Any], bool]] = {
    Op.GT: operator.gt, Op.GE: operator.ge, Op.LT: operator.lt, Op.LE: operator.le, Op.EQ: operator.eq,
    Op.SW: str.startswith, Op.EW: str.endswith, Op.CO: str.__contains__,
}  # fmt: skip


def trees(comparisons: st.SearchStrategy[Comparison]) -> Said:
    """Filters of such comparisons, few enough and not too deep."""

    def grown(inner: Said) -> Said:
        several = st.lists(inner, min_size=2, max_size=3).map(tuple)
        return inner.map(Not) | several.map(All) | several.map(Some)

    return st.recursive(comparisons, grown, max_leaves=6)


def spelled(tree: Filter, source: random.Random) -> str:
    """One of the texts that mean `tree`."""
    space = source.choice((" ", "  ", "\t", " \n "))
    match tree:
        case Not(of):
            return f"{_case('not', source)}{source.choice(('', space))}({spelled(of, source)})"
        case All(terms):
            return f"{space}{_case('and', source)}{space}".join(_grouped(t, source, (All, Some)) for t in terms)
        case Some(terms):
            return f"{space}{_case('or', source)}{space}".join(_grouped(t, source, (Some,)) for t in terms)
    begin = f"{_case(tree.path, source)}{space}{_case(tree.op, source)}"
    return begin if tree.op is Op.PR else f"{begin}{space}{json.dumps(tree.value, ensure_ascii=source.random() < 0.5)}"


def holds(tree: Filter, row: Row, caseless: Sequence[str] = ()) -> bool:
    """Whether the filter lets `row` through, whose absent values are None and whose lists hold any."""
    match tree:
        case Not(of):
            return not holds(of, row, caseless)
        case All(terms):
            return all(holds(term, row, caseless) for term in terms)
        case Some(terms):
            return any(holds(term, row, caseless) for term in terms)
    if tree.op is Op.NE:
        return not holds(Comparison(tree.path, Op.EQ, tree.value), row, caseless)
    value, given = row[tree.path], tree.value
    if tree.op is Op.PR:
        return value not in (None, [])
    if given is None or value is None:
        return given is None and value in (None, [])
    values = value if isinstance(value, list) else [value]
    if tree.path in caseless:
        values, given = [lowered(each) for each in values], lowered(str(given))
    return any(_ORDER[tree.op](each, given) for each in values)


def _grouped(tree: Filter, source: random.Random, needs: tuple[type, ...]) -> str:
    text = spelled(tree, source)
    return f"( {text})" if isinstance(tree, needs) or source.random() < 0.2 else text


def _case(text: str, source: random.Random) -> str:
    return "".join(source.choice((letter.lower(), letter.upper())) for letter in text)
