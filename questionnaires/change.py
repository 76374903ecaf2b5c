"""One difference between two versions of an instrument, as a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass

from questionnaires.conditions import say

WORDS: Mapping[str, tuple[str, str]] = {
    "version": (
        "两份文件内容不同，版本号却相同（{before}）：请给后一份换一个版本号",
        "the contents differ and the version is the same ({before}): give the later file a version of its own",
    ),
    "added": ("新增 {what}", "{what} is new"),
    "removed": ("删除 {what}", "{what} is gone"),
    "language added": ("新增一种语言：{after}", "there is a new language: {after}"),
    "language removed": ("去掉一种语言：{before}", "a language is gone: {before}"),
    "wording": (
        "{what} 的文字改了（{column}）：“{before}” → “{after}”",
        '{what}: wording of {column}: "{before}" -> "{after}"',
    ),
    "labels": (
        "{what} 有{column}处选项文字改了，例如：“{before}” → “{after}”",
        '{what}: wording of {column} choices, such as "{before}" -> "{after}"',
    ),
    "choices": ("{what} 的选项改了：{before} → {after}", "{what}: choices: {before} -> {after}"),
    "offer": (
        "{what} 可选的范围改了（{column}）：{before} → {after}",
        "{what}: what is offered, {column}: {before} -> {after}",
    ),
    "accepted": (
        "{what} 可以填的答案改了（{column}）：{before} → {after}",
        "{what}: which answers are accepted, {column}: {before} -> {after}",
    ),
    "scoring": ("{what} 的计分改了（{column}）：{before} → {after}", "{what}: scoring, {column}: {before} -> {after}"),
    "relevance": (
        "{what} 的出现条件改了（{column}）：{before} → {after}",
        "{what}: when it is asked, {column}: {before} -> {after}",
    ),
    "group": ("{what} 换了所在的组：{before} → {after}", "{what}: moved from group {before} to {after}"),
    "type": ("{what} 的题型改了：{before} → {after}", "{what}: type: {before} -> {after}"),
    "calculation": (
        "{what} 的计算改了（{column}）：{before} → {after}",
        "{what}: {column}: {before} -> {after}",
    ),
    "rule": ("{what} 的 {column} 改了：{before} → {after}", "{what}: {column}: {before} -> {after}"),
    "rewritten": (
        "{what} 的 {column} 换了写法，意思不变：{before} → {after}",
        "{what}: {column} is written another way and means the same: {before} -> {after}",
    ),
    "order": ("{what} 的顺序改了：{before} → {after}", "{what}: order: {before} -> {after}"),
    "whole": ("问卷", "the form"),
    "index": ("指数 {what}", "index {what}"),
    "empty": ("（空）", "(empty)"),
}


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. kind: a key of WORDS; name: the item, group or index; items: the items that it touches.

    An index touches no item by itself; what is about the whole form has no name.
    """

    kind: str
    name: str
    items: frozenset[str] = frozenset()
    column: str = ""
    before: str = ""
    after: str = ""

    def sentence(self, language: str) -> str:
        """The change in words."""
        empty = say(WORDS, "empty", language)
        name = self.name or say(WORDS, "whole", language)
        if self.name and not self.items:
            name = say(WORDS, "index", language, what=name)
        before, after = self.before or empty, self.after or empty
        return say(WORDS, self.kind, language, what=name, column=self.column, before=before, after=after)
