"""What an approval is, written on its own: a JSON reader by hand and each condition of the contract in turn.

Nothing here comes from the gate, nor from the JSON library that the gate reads with.
"""

import re
import unicodedata

NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)
ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
DEEPEST = 50
LARGEST = 1e300
UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


class NoJson(Exception):
    """Not one JSON value, as strictly as it can be read."""


class Text:
    """One JSON text and the place reached in it."""

    def __init__(self, text):
        self.text, self.place = text, 0

    def whole(self):
        found = self.value(0)
        self.blanks()
        if self.place != len(self.text):
            raise NoJson
        return found

    def blanks(self):
        while self.text[self.place : self.place + 1] in (" ", "\t", "\r", "\n") and self.place < len(self.text):
            self.place += 1

    def took(self, word):
        self.blanks()
        if not self.text.startswith(word, self.place):
            return False
        self.place += len(word)
        return True

    def need(self, word):
        if not self.took(word):
            raise NoJson

    def value(self, depth):
        if depth > DEEPEST:
            raise NoJson
        if self.took("{"):
            return self.members(depth)
        if self.took("["):
            return self.entries(depth)
        for word, meant in (("true", True), ("false", False), ("null", None)):
            if self.took(word):
                return meant
        return self.string() if self.took('"') else self.number()

    def members(self, depth):
        found = {}
        if self.took("}"):
            return found
        while True:
            self.need('"')
            name = self.string()
            self.need(":")
            if name in found:
                raise NoJson
            found[name] = self.value(depth + 1)
            if self.took("}"):
                return found
            self.need(",")

    def entries(self, depth):
        found = []
        if self.took("]"):
            return found
        while True:
            found.append(self.value(depth + 1))
            if self.took("]"):
                return found
            self.need(",")

    def number(self):
        self.blanks()
        found = NUMBER.match(self.text, self.place)
        if found is None or len(found[0]) > 300:
            raise NoJson
        self.place = found.end()
        number = float(found[0])
        if abs(number) > LARGEST:
            raise NoJson
        return number if found[1] or found[2] else int(found[0])

    def string(self):
        letters = []
        while True:
            letter = self.text[self.place : self.place + 1]
            self.place += 1
            if letter == '"':
                # Two halves written one after the other are one letter.
                return "".join(letters).encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
            if letter == "" or letter < " ":
                raise NoJson
            letters.append(self.escaped() if letter == "\\" else letter)

    def escaped(self):
        letter = self.text[self.place : self.place + 1]
        self.place += 1
        if letter != "u":
            if letter not in ESCAPES:
                raise NoJson
            return ESCAPES[letter]
        digits = self.text[self.place : self.place + 4]
        self.place += 4
        if re.fullmatch("[0-9a-fA-F]{4}", digits) is None:
            raise NoJson
        return chr(int(digits, 16))


def is_approval(status, body, *, model, least_tokens, most_tokens, least_pct):
    """Say whether these bytes of an Ollama server may let a trade pass."""
    if status != 200 or len(body) > 65_536:
        return False
    try:
        answer = Text(body.decode("utf-8", "strict")).whole()
        if not isinstance(answer, dict) or "error" in answer or answer.get("model") != model:
            return False
        if answer.get("done") is not True or answer.get("done_reason") != "stop":
            return False
        if answer.get("remote_host") or answer.get("remote_model"):
            return False
        tokens, message = answer.get("prompt_eval_count"), answer.get("message")
        if isinstance(tokens, bool) or not isinstance(tokens, int) or not least_tokens <= tokens <= most_tokens:
            return False
        if not isinstance(message, dict) or message.get("tool_calls") or not isinstance(message.get("content"), str):
            return False
        return approves(Text(message["content"]).whole(), least_pct)
    except (UnicodeDecodeError, NoJson):
        return False


def approves(reply, least_pct):
    if not isinstance(reply, dict) or sorted(reply) != ["analysis", "p_win_pct", "verdict"]:
        return False
    analysis, chance = reply["analysis"], reply["p_win_pct"]
    if not isinstance(analysis, str) or not 0 < len(analysis) < 241 or isinstance(chance, bool):
        return False
    if any(letter != " " and unicodedata.category(letter) in {*UNSEEN, "Zs"} for letter in analysis):
        return False
    return isinstance(chance, int) and least_pct <= chance <= 100 and reply["verdict"] == "APPROVE"
