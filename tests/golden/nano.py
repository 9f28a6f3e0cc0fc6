"""whisper-nano: dimensions, vocabulary, tokenizer and weights. See README.md."""

import math
import sys

import tiktoken
import torch
from whisper.model import ModelDimensions, Whisper, sinusoids
from whisper.tokenizer import LANGUAGES, Tokenizer

SEED = 7
LANGS = list(LANGUAGES)[:99]  # without yue, which large-v3 added

# Rank order. Two of them matter to tests: "Ġ t" comes first (older exports lost it), and "Ã ±" joins
# the two bytes of one character.
MERGES = [
    "Ġ t", "Ġ a", "h e", "i n", "r e", "o n", "Ġt he", "e r", "Ġ s", "a t", "Ġ w", "Ġ o", "e n", "Ġ c",
    "i t", "o u", "i s", "a n", "o r", "e s", "Ġ b", "e d", "Ġ f", "in g", "Ġ p", "Ġt o", "Ġa n", "a l",
    "Ġan d", "l l", "Ġ m", "o f", "Ġ of", "Ġ in", "Ġ d", "Ġ h", "v e", "c t", "Ġ I", "Ġ T", "e l", "Ġ is",
    "o t", "a y", "Ġ y", "Ġy ou", "k e", "l e", "w h", "0 0", "Ġ 1", "' t", "Ã ±", "Ã ©", "Ð ¸", "à ¤",
    ". .", ".. .", "Ġ Ġ",
]


def byte_alphabet():
    """Byte -> character of GPT-2's printable alphabet, in Whisper's id order."""
    printable = list(range(0x21, 0x7F)) + list(range(0xA1, 0xAD)) + list(range(0xAE, 0x100))
    table = {b: chr(b) for b in printable}
    n = 0
    for b in range(256):
        if b not in table:
            table[b] = chr(256 + n)
            n += 1
    return table


ALPHABET = byte_alphabet()
TO_BYTE = {c: b for b, c in ALPHABET.items()}


def ordinary_tokens():
    """Byte-alphabet strings by id: 256 bytes, the merges, and (as in Whisper's files) one empty string."""
    tokens = list(ALPHABET.values())
    for merge in MERGES:
        left, right = merge.split(" ")
        assert left in tokens and right in tokens, merge
        tokens.append(left + right)
    assert len(set(tokens)) == len(tokens)
    return tokens + [""]


def special_tokens():
    return (
        ["<|endoftext|>", "<|startoftranscript|>"]
        + [f"<|{lang}|>" for lang in LANGS]
        + ["<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
        + [f"<|{i * 0.02:.2f}|>" for i in range(1501)]
    )


ORDINARY = ordinary_tokens()
SPECIAL = special_tokens()
N_TEXT = len(ORDINARY)  # = id of <|endoftext|>
N_VOCAB = N_TEXT + len(SPECIAL)
ID = {token: N_TEXT + i for i, token in enumerate(SPECIAL)}

DIMS = ModelDimensions(
    n_mels=80, n_audio_ctx=100, n_audio_state=128, n_audio_head=2, n_audio_layer=2,
    n_vocab=N_VOCAB, n_text_ctx=64, n_text_state=128, n_text_head=2, n_text_layer=2,
)
ALIGNMENT_HEADS = [[0, 1], [1, 0], [1, 1]]


def encoding():
    ranks = {bytes(TO_BYTE[c] for c in token): i for i, token in enumerate(ORDINARY)}
    return tiktoken.Encoding(
        name="whisper-nano",
        explicit_n_vocab=N_VOCAB,
        pat_str=r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+""",
        mergeable_ranks=ranks,
        special_tokens=dict(ID),
    )


def tokenizer(language="en", task="transcribe"):
    return Tokenizer(encoding=encoding(), num_languages=99, language=language, task=task)


def adapt_openai_whisper():
    """openai-whisper takes windows to be 30 s long and tokenizers to be its own: tell it about nano's 2 s. Without this the
    limit on the first timestamp (1 s) would be reckoned as three steps instead of fifty."""
    import whisper.decoding
    import whisper.transcribe

    def get_tokenizer(multilingual, *, num_languages=99, language=None, task=None):
        return tokenizer(language or "en", task or "transcribe")

    seconds = DIMS.n_audio_ctx // 50
    decoding, transcribing = sys.modules["whisper.decoding"], sys.modules["whisper.transcribe"]
    decoding.CHUNK_LENGTH = seconds
    transcribing.N_FRAMES, transcribing.N_SAMPLES = 100 * seconds, 16000 * seconds
    decoding.get_tokenizer = transcribing.get_tokenizer = get_tokenizer


def with_alignment_heads(model):
    mask = torch.zeros(DIMS.n_text_layer, DIMS.n_text_head, dtype=torch.bool)
    for layer, head in ALIGNMENT_HEADS:
        mask[layer, head] = True
    model.register_buffer("alignment_heads", mask.to_sparse(), persistent=False)
    return model


class Nano(Whisper):
    """openai-whisper tells multilingual models by the size of the vocabulary; nano's is small."""

    is_multilingual = True
    num_languages = 99


def build(seed=SEED):
    """Weights such that attention is neither uniform nor one-hot, GELUs see both signs and greedy
    decoding wanders: scores have a standard deviation near 2, each branch adds about as much as the
    stream holds. All values are exact in f16."""
    g = torch.Generator().manual_seed(seed)

    def normal(shape, std, mean=0.0):
        return mean + std * torch.randn(shape, generator=g)

    model = Nano(DIMS)
    d = DIMS.n_audio_state
    state = {}
    for name, old in model.state_dict().items():
        shape = tuple(old.shape)
        if name == "encoder.positional_embedding":
            value = sinusoids(*shape)
        elif name == "decoder.positional_embedding":
            value = normal(shape, 0.8)
        elif name == "decoder.token_embedding.weight":
            value = normal(shape, 0.30)
            value[N_TEXT:] *= 0.45  # specials and timestamps would outnumber the 316 text tokens
            value[ID["<|endoftext|>"]] *= 5.0
            for token in SPECIAL[1:108]:
                value[ID[token]] *= 0.9
        elif name.endswith(("ln.weight", "ln_post.weight")):
            value = normal(shape, 0.2, 1.0)
        elif name.endswith(("ln.bias", "ln_post.bias")):
            value = normal(shape, 0.15)
        elif "conv1.weight" in name:
            value = normal(shape, 1.8 / math.sqrt(3 * DIMS.n_mels))
        elif "conv2.weight" in name:
            value = normal(shape, 2.0 / math.sqrt(3 * d))
        elif "query.weight" in name or "key.weight" in name:
            value = normal(shape, (1.7 if "cross" in name else 1.45) / math.sqrt(d))
        elif name == "decoder.blocks.0.attn.value.weight":
            value = rotation = torch.linalg.qr(normal(shape, 1.0).double())[0].float()
        elif name == "decoder.blocks.0.attn.out.weight":
            # The first decoder block writes minus what it reads: without this the tied embedding makes
            # greedy decoding repeat its first token for ever.
            value = normal(shape, 1.0 / math.sqrt(d)) - 2.2 * rotation.T
        elif "attn.value.weight" in name:
            value = normal(shape, 1.2 / math.sqrt(d))
        elif "attn.out.weight" in name:
            value = normal(shape, (0.9 if "cross" in name else 1.4) / math.sqrt(d))
        elif "mlp.0.weight" in name:
            value = normal(shape, 1.3 / math.sqrt(d))
        elif "mlp.2.weight" in name:
            value = normal(shape, 1.6 / math.sqrt(4 * d))
        elif name.endswith("bias"):
            value = normal(shape, 0.1)
        else:
            raise ValueError(name)
        state[name] = value.half().float()
    model.load_state_dict(state)
    return model.eval()
