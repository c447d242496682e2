"""A language model small enough for a test to write: llama's architecture, an alphabet of characters, drawn weights."""

from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

Tensor = npt.NDArray[np.float32]

SEED = 19
CONTEXT_TOKENS = 32_768
N_LAYERS = 1
N_EMBEDDING = 64
N_HEADS = 4
N_FEED_FORWARD = 64
BLANK = "\u2581"
WORDS = (
    "APPROVE", "DENY", "analysis", "p_win_pct", "verdict", "volume", "trend", "funding", "stop", "body", "true",
    "false", "null", "user", "assistant", "system",
)  # fmt: skip
# The commonest pairs of English and of JSON: a prompt is read in half the time when they are one token each.
PAIRS = (
    "th he in er an re on at en nd st or te es of ed is it al ar to nt ng se ha ou le ve co me de hi ri ro ic ne ea ra "
    "ce li ch ll be ma si om ur tr ps bp _b _p ct pc ti ts ge ad ag ai wi as us ss ol lo no ho em un la di ta na 0. "
    '":  ," -0 1. 2. 3. .1 .2 .3 .4 .5 .6 .7 .8 .9 00 10 20 50'
)
TEMPLATE = (
    "{% for message in messages %}<{{ message['role'] }}>{{ message['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
# One coordinate of every token's vector is the same, so that its weight in the output is a bias for each token.
CONSTANT = 4.0
SHARPNESS = np.float32(4.0)
LOUDNESS = np.float32(8.0)
# And a token speaks against itself, or the likeliest one would come for ever.
AVERSION = np.float32(0.12)
# Drawn weights alone write for ever; these make quotes, ends and digits likely enough that a reply comes to its end.
LEANINGS = {'"': 2.2, "</s>": 3.0, " ": -15.0, BLANK: -15.0, "\n": -15.0, "\t": -15.0, "\\": -15.0}


@dataclass(frozen=True)
class Vocabulary:
    """SentencePiece tokens with their scores and kinds, in order of id."""

    tokens: list[bytes]
    scores: list[float]
    kinds: list[int]


def vocabulary() -> Vocabulary:
    """Return specials, one token a byte, one a printable character, and a few words.

    Bytes that are no printable ASCII are marked unused: drawn weights would put them together to what is no UTF-8.
    """
    kinds = gguf.TokenType
    rows = [("<unk>", 0.0, kinds.UNKNOWN), ("<s>", 0.0, kinds.CONTROL), ("</s>", 0.0, kinds.CONTROL)]
    for byte in range(256):
        is_plain = byte in (9, 10) or 32 <= byte < 127
        rows.append((f"<0x{byte:02X}>", 0.0, kinds.BYTE if is_plain else kinds.UNUSED))
    rows += [(chr(code), -50.0, kinds.NORMAL) for code in range(33, 127)]
    rows.append((BLANK, -50.0, kinds.NORMAL))
    rows += [(pair, -20.0, kinds.NORMAL) for pair in PAIRS.split()]
    rows += [(word, -1.0 - rank / 10, kinds.NORMAL) for rank, word in enumerate(WORDS)]
    rows += [(f"<pad{number}>", -1000.0, kinds.UNUSED) for number in range(-len(rows) % 32)]
    tokens, scores, types = zip(*rows, strict=True)
    return Vocabulary([token.encode() for token in tokens], list(scores), [int(kind) for kind in types])


def write_tiny_gguf(
    path: Path, *, seed: int = SEED, context_tokens: int = CONTEXT_TOKENS, is_constant: bool = False
) -> None:
    """Write a model to a file. is_constant: what it writes does not depend on what it has read.

    The seed is one of many tried: its replies end by themselves, and both verdicts occur among them.
    """
    known = vocabulary()
    writer = gguf.GGUFWriter(path, "llama")
    _describe(writer, known, context_tokens)
    _weigh(writer, known, np.random.default_rng(seed), is_constant=is_constant)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _describe(writer: gguf.GGUFWriter, known: Vocabulary, context_tokens: int) -> None:
    writer.add_name("tidegate-tiny")
    writer.add_context_length(context_tokens)
    writer.add_embedding_length(N_EMBEDDING)
    writer.add_block_count(N_LAYERS)
    writer.add_feed_forward_length(N_FEED_FORWARD)
    writer.add_head_count(N_HEADS)
    writer.add_head_count_kv(N_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(N_EMBEDDING // N_HEADS)
    writer.add_vocab_size(len(known.tokens))
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(known.tokens)
    writer.add_token_scores(known.scores)
    writer.add_token_types(known.kinds)
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(TEMPLATE)


def _weigh(writer: gguf.GGUFWriter, known: Vocabulary, draws: np.random.Generator, *, is_constant: bool) -> None:
    n_tokens = len(known.tokens)
    embedding = draws.standard_normal((n_tokens, N_EMBEDDING)).astype(np.float32)
    if is_constant:
        embedding[:] = 0.0
    embedding[:, 0] = CONSTANT
    output = _drawn(draws, n_tokens, N_EMBEDDING) * 8 - AVERSION * embedding
    output[:, 0] = 0.0
    for token, leaning in LEANINGS.items():
        for place in _places(known, token):
            output[place, 0] = leaning
    writer.add_tensor("token_embd.weight", embedding)
    writer.add_tensor("output_norm.weight", np.ones(N_EMBEDDING, np.float32))
    writer.add_tensor("output.weight", output)
    for layer in range(N_LAYERS):
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", np.ones(N_EMBEDDING, np.float32))
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", _inner(draws, name, N_EMBEDDING, N_EMBEDDING, is_constant))
        for name, n_out, n_in in (
            ("ffn_gate", N_FEED_FORWARD, N_EMBEDDING),
            ("ffn_up", N_FEED_FORWARD, N_EMBEDDING),
            ("ffn_down", N_EMBEDDING, N_FEED_FORWARD),
        ):
            writer.add_tensor(f"blk.{layer}.{name}.weight", _inner(draws, name, n_out, n_in, is_constant))


def _inner(draws: np.random.Generator, name: str, n_out: int, n_in: int, is_constant: bool) -> Tensor:
    """Return a layer's weights. What goes back into the stream leaves the constant coordinate alone."""
    weights = _drawn(draws, n_out, n_in)
    if name in ("attn_output", "ffn_down"):
        weights[0] = 0.0
        weights *= np.float32(0.0) if is_constant else LOUDNESS
    # Drawn attention looks at everything alike, and the mean of two thousand tokens is always the same.
    return weights * SHARPNESS if name in ("attn_q", "attn_k") else weights


def _drawn(draws: np.random.Generator, n_out: int, n_in: int) -> Tensor:
    drawn: Tensor = (draws.standard_normal((n_out, n_in)) * 0.5 / np.sqrt(n_in)).astype(np.float32)
    return drawn


def _places(known: Vocabulary, token: str) -> list[int]:
    byte = f"<0x{ord(token):02X}>".encode() if len(token) == 1 and ord(token) < 128 else b""
    return [place for place, one in enumerate(known.tokens) if one in (token.encode(), byte)]
