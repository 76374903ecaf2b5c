"""An adversary: pairs answers with used invitations by everything both stores hold, and says how well it did.

Left is one row per used case: invitation, contact, attempts; right one row per response. All columns are taken, hidden
ones, the order in which rows are handed out and their places in the files included. Of every pair of columns three
scores are made (equal, same rank, opposite rank). A score's sum over the true pairs is held against all other ways to
pair within a cell: its mean and variance over all permutations are known exactly (Hoeffding 1951), so z needs no
simulation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from survey_app.store import Store
from survey_app.store.contacts import Contacts

Row = dict[str, Any]
HIDDEN = {"postgresql": "xmin::text AS _xmin, cmin::text AS _cmin, cmax::text AS _cmax, ctid::text AS _ctid, ",
          "sqlite": ""}  # fmt: skip


@dataclass(frozen=True)
class Found:
    """z of the best single score and its name; z of the learned matcher; the share of right pairs it makes (0-1)."""

    best: float
    name: str
    learned: float
    right: float
    by_chance: float


def attack(store: Store, people: Contacts, truth: Mapping[str, str], *, by_day: bool) -> Found:
    """truth: case -> id of its response. by_day: pair within a day only, else within the cell."""
    left, right = _left(store, people), _right(store)
    groups = _groups(right, truth, by_day=by_day)
    ours, theirs = _columns(left.values()), _columns(right.values())
    stacks = [
        _scores([left[case] for case in group], [right[truth[case]] for case in group], ours, theirs)
        for group in groups
    ]
    z = _z(stacks)
    names = [f"{a} {kind} {b}" for kind in ("equals", "ranks with", "ranks against") for a in ours for b in theirs]
    best = int(np.argmax(z))
    return Found(float(z[best]), names[best], *_learn([stack[z > -np.inf] for stack in stacks]))


def _z(stacks: Iterable[np.ndarray]) -> np.ndarray:
    """For each score, how far its sum over the true pairs is from chance, in standard deviations; -inf: it is flat."""
    total = mean = variance = np.zeros(1)
    for stack in stacks:
        size = stack.shape[1]
        centred = stack - stack.mean(axis=1, keepdims=True) - stack.mean(axis=2, keepdims=True)
        centred += stack.mean(axis=(1, 2), keepdims=True)
        total = total + np.trace(stack, axis1=1, axis2=2)
        mean = mean + stack.sum(axis=(1, 2)) / size
        variance = variance + (centred**2).sum(axis=(1, 2)) / (size - 1)
    return np.where(variance > 1e-9, (total - mean) / np.sqrt(np.maximum(variance, 1e-9)), -np.inf)


def _scores(left: list[Row], right: list[Row], ours: list[str], theirs: list[str]) -> np.ndarray:
    """Pair scores of one group, one matrix per score: rows are cases, columns responses, true pairs on the diagonal."""
    codes: dict[str, int] = {}
    one, other = (
        np.array([[codes.setdefault(str(row[name]), len(codes)) if row[name] is not None else missing for row in rows]
                  for name in names])
        for rows, names, missing in ((left, ours, -1), (right, theirs, -2))
    )  # fmt: skip
    ranks = np.array([_ranks([row[name] for row in left]) for name in ours])
    others = np.array([_ranks([row[name] for row in right]) for name in theirs])
    near = ranks[:, None, :, None], others[None, :, None, :]
    kinds = (one[:, None, :, None] == other[None, :, None, :], -np.abs(near[0] - near[1]), -np.abs(near[0] + near[1]))
    return np.concatenate([kind.astype(float).reshape(-1, len(left), len(left)) for kind in kinds])


def _ranks(values: list[Any]) -> np.ndarray:
    """Ranks from -1 to 1; equal values share one."""
    keys = [_key(value) for value in values]
    ordered = sorted(keys)
    places = {key: (ordered.index(key) + len(ordered) - 1 - ordered[::-1].index(key)) / 2 for key in set(keys)}
    ranks = np.array([places[key] for key in keys])
    return (2 * ranks - (len(keys) - 1)) / max(len(keys) - 1, 1)


def _key(value: Any) -> tuple[Any, ...]:
    text = "" if value is None else str(value)
    numbers = text.strip("()").split(",")
    if all(part.lstrip("-").replace(".", "", 1).isdigit() for part in numbers):
        return (1, tuple(float(part) for part in numbers), "")
    return (0, (), text)


def _learn(stacks: list[np.ndarray]) -> tuple[float, float, float]:
    """A ridge regression on every score, fitted on every other group and judged on the rest."""
    taught, judged = stacks[::2], stacks[1::2]
    x = np.concatenate([stack.reshape(len(stack), -1).T for stack in taught])
    y = np.concatenate([np.eye(stack.shape[1]).ravel() - 1 / stack.shape[1] for stack in taught])
    mean, spread = x.mean(axis=0), x.std(axis=0) + 1e-9
    x = (x - mean) / spread
    weights = x.T @ np.linalg.solve(x @ x.T + 0.1 * x.shape[1] * np.eye(len(x)), y)
    predicted = [np.tensordot(weights / spread, stack, axes=1) for stack in judged]
    hits = sum(int((np.argmax(matrix, axis=1) == np.arange(len(matrix))).sum()) for matrix in predicted)
    people = sum(len(matrix) for matrix in predicted)
    return float(_z([matrix[None] for matrix in predicted])[0]), hits / people, len(predicted) / people


def _groups(right: Mapping[str, Row], truth: Mapping[str, str], *, by_day: bool) -> list[list[str]]:
    cells: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    for case, id_ in truth.items():
        answer = right[id_]
        shared = [answer[name] for name in ("wave", "stratum", "psu", "mode", "disposition")]
        cells[(*shared, answer["arrived_on"] if by_day else "")].append(case)
    return [sorted(members) for _, members in sorted(cells.items()) if len(members) > 1]


def _columns(rows: Iterable[Row]) -> list[str]:
    """Columns that are not the same everywhere."""
    values: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        for name, value in row.items():
            values[name].add(str(value))
    return [name for name, found in values.items() if len(found) > 1]


def _left(store: Store, people: Contacts) -> dict[str, Row]:
    hidden = HIDDEN[store.database.engine.name]
    rows = _handed_out(store, f"SELECT {hidden}* FROM invitation")
    known = {row["case"]: row for row in _handed_out(people, f"SELECT {hidden}* FROM contact")}
    attempts = defaultdict(list)
    for row in _handed_out(store, f"SELECT {hidden}* FROM disposition"):
        attempts[row["case"]].append(row)
    sheets = {row["case"]: row for row in _handed_out(store, f"SELECT {hidden}* FROM paper_entry")}
    begun = {row["case"]: row for row in _handed_out(store, f"SELECT {hidden}* FROM draft")}
    found: dict[str, Row] = {}
    for row in rows:
        if row["used"]:
            case = row["case"]
            found[case] = {f"invitation.{name}": value for name, value in row.items()}
            found[case] |= _prefixed("contact", known.get(case, {}), next(iter(known.values()), {}))
            found[case] |= _attempts(attempts[case], next(iter(attempts.values()), []))
            found[case] |= _prefixed("sheet", sheets.get(case, {}), next(iter(sheets.values()), {}))
            found[case] |= _prefixed("draft", begun.get(case, {}), next(iter(begun.values()), {}))
            found[case] |= _places(store, case) | _places(people, case)
    return found


def _right(store: Store) -> dict[str, Row]:
    hidden = HIDDEN[store.database.engine.name]
    rows = _handed_out(store, f"SELECT {hidden}* FROM response")
    return {row["id"]: row | _places(store, row["id"]) for row in rows if row["stream"] == "probability"}


def _handed_out(store: Store | Contacts, sql: str) -> list[Row]:
    """Rows as the database hands them out, each with its place in that order."""
    rows = store.read(lambda connection: connection.all(sql))
    return [{**row, "_place": place} for place, row in enumerate(rows)]


def _prefixed(table: str, row: Row, like: Row) -> Row:
    return {f"{table}.{name}": row.get(name) for name in like}


def _attempts(rows: list[Row], like: list[Row]) -> Row:
    names = like[0] if like else ()
    parts = {f"first attempt.{name}": rows[0][name] if rows else None for name in names}
    parts |= {f"last attempt.{name}": rows[-1][name] if rows else None for name in names}
    return {**parts, "attempts": len(rows), "codes": " ".join(row["code"] for row in rows)}


_FILES: dict[Path, tuple[int, bytes]] = {}
PAGE = 4096
RECORD = 240  # bytes after a case's name in which its record holds what changes


def _places(store: Store | Contacts, text: str) -> Row:
    """Where a name stands in the database file and in its log, and where its record changed last.

    A log is written in the order of time, and within a page a record that was rewritten lies before the older ones.
    PostgreSQL's files are not ours to read.
    """
    path = getattr(store.database, "path", None)
    if path is None:
        return {}
    found: Row = {}
    for name in (path, path.with_name(f"{path.name}-wal")):
        content = _content(name)
        spots = _spots(content, text.encode())
        changed = [
            spot for spot, before in zip(spots[1:], spots, strict=False)
            if content[spot : spot + RECORD] != content[before : before + RECORD]
        ]  # fmt: skip
        known = {"first": spots[:1], "last": spots[-1:], "changed": changed[-1:]}
        for kind, spot in known.items():
            found[f"{kind} in {name.name}"] = spot[0] if spot else None
            found[f"{kind} within its page of {name.name}"] = spot[0] % PAGE if spot else None
    return found


def _spots(content: bytes, text: bytes) -> list[int]:
    spots = []
    at = content.find(text)
    while at >= 0:
        spots.append(at)
        at = content.find(text, at + 1)
    return spots


def _content(path: Path) -> bytes:
    stamp = path.stat().st_mtime_ns if path.exists() else 0
    if path not in _FILES or _FILES[path][0] != stamp:
        _FILES[path] = (stamp, path.read_bytes() if path.exists() else b"")
    return _FILES[path][1]
