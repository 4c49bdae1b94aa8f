"""Reasoning that a server left inside the answer's text, told apart from the answer.

The same model behind one server returns its reasoning in a field of its own, behind another in the text, and that says
nothing of what it concluded. Only what stands at the beginning is reasoning: a later `<think>` is part of the answer.
"""

from __future__ import annotations

import re

# how models write them: DeepSeek and Qwen, others like them, Seed, Magistral, Kimi
_NAMES = "think|thinking|thought|thoughts|reasoning|reflection"
_OPENING = rf"<(?:\w{{1,8}}:)?({_NAMES})(?:\s[^<>]{{0,100}})?>|\[(think)\]|◁(think)▷"
_CLOSING = rf"</(?:\w{{1,8}}:)?({_NAMES})>|\[/(think)\]|◁/(think)▷"
# the mark that ends what the chat template has opened
_LONE_CLOSING = re.compile(r"</(?:\w{1,8}:)?think(?:ing)?>|\[/think\]|◁/think▷", re.IGNORECASE)
_OPENS = re.compile(rf"\s*(?:{_OPENING})", re.IGNORECASE)
_ANY_OPENING = re.compile(_OPENING, re.IGNORECASE)
_EITHER = re.compile(f"{_OPENING}|{_CLOSING}", re.IGNORECASE)


# gpt-oss: channels, of which the last is the answer
_CHANNEL = re.compile(r"\s*(?:<\|start\|>assistant)?<\|channel\|>(?:analysis|commentary)\b")
_FINAL = "<|channel|>final<|message|>"


def split_reasoning(text: str) -> tuple[str, str]:
    """What the model thought, with its marks, and the rest; the two together are `text`, but for white space between.

    A block that is never closed is all reasoning: the answer was cut off before it began. A closing mark without an
    opening one ends reasoning too: chat templates that open the block for the model leave the opening mark out. Several
    blocks in a row are all reasoning. Takes linear time.
    """
    if "<" not in text and "[" not in text and "◁" not in text:  # nearly always: no mark at all
        return "", text
    if _CHANNEL.match(text):
        before, mark, rest = text.rpartition(_FINAL)
        return (before + mark, rest.lstrip()) if mark else (text, "")
    if (first := _LONE_CLOSING.search(text)) and not _ANY_OPENING.search(text, 0, first.start()):
        end = first.end()
    elif _OPENS.match(text):
        end = 0
    else:
        return "", text
    while opening := _OPENS.match(text, end):
        end = _end_of_block(text, opening.end(), next(name for name in opening.groups() if name))
    return text[:end], text[end:].lstrip()


def _end_of_block(text: str, start: int, name: str) -> int:
    """Where the block ends that was opened before `start`; a mark that is only spoken of has no closing one."""
    depth, end = 1, len(text)
    for mark in _EITHER.finditer(text, start):
        if name.lower() not in (found.lower() for found in mark.groups() if found):
            continue
        if "/" in mark[0][:2]:
            depth, end = depth - 1, mark.end()
            if depth == 0:
                break
        else:
            depth += 1
    return end
