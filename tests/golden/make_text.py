"""Writes normalizer/, wer/ and tokenizer/ with openai-whisper, jiwer and tiktoken. See README.md.

`--spelling FILE` also writes the British-American word pairs that C++ reads at build or run time."""

import json
import pathlib
import random
import sys

import jiwer
import whisper.normalizers
import whisper.tokenizer
from whisper.normalizers import BasicTextNormalizer, EnglishTextNormalizer

import nano
from common import HERE, save_json_list, versions
from text_cases import BASIC, ENGLISH, EXTRA, TOKENIZER_TEXTS, english_strings


def run(f, text):
    try:
        return f(text)
    except Exception as e:  # noqa: BLE001 - openai-whisper itself fails on a few inputs
        return {"error": type(e).__name__}


def write_normalizers():
    english = EnglishTextNormalizer()
    cases = []
    for text in english_strings():
        got = run(english, text)
        cases.append({"in": text, **({"out": got} if isinstance(got, str) else got)})
    head = {"made_by": "make_text.py", "versions": versions("openai-whisper")}
    save_json_list(HERE / "normalizer/english.json", head, "cases", cases)
    variants = {"plain": BasicTextNormalizer(), "remove_diacritics": BasicTextNormalizer(remove_diacritics=True),
                "split_letters": BasicTextNormalizer(split_letters=True),
                "remove_diacritics_split_letters": BasicTextNormalizer(remove_diacritics=True, split_letters=True)}
    texts = list(dict.fromkeys(BASIC + EXTRA + ENGLISH[::3]))
    save_json_list(HERE / "normalizer/basic.json", head, "cases",
                   [{"in": text, **{name: f(text) for name, f in variants.items()}} for text in texts])
    return cases


def write_wer():
    rng = random.Random(8)
    vocabulary = "the a cat dog sat on mat and ran home now very quick señor été мир 世界 one two".split()
    pairs = [("the cat sat on the mat", "the cat sat on the mat"), ("the cat sat", ""), ("a", "a a a a a"), ("a b c", "c b a"),
             ("hello world", "hello duck"), ("one two three four", "two three four five"), ("x", "y"), ("世界 你好", "世界"),
             ("abc", "acb"), ("the  double  space", "the double space"), (" leading", "leading "), ("été", "ete")]
    for _ in range(120):
        reference = [rng.choice(vocabulary) for _ in range(rng.randint(1, 14))]
        hypothesis = []
        for word in reference:
            r = rng.random()
            if r < 0.12:
                continue
            hypothesis.append(rng.choice(vocabulary) if r < 0.27 else word)
            if r > 0.88:
                hypothesis.append(rng.choice(vocabulary))
        pairs.append((" ".join(reference), " ".join(hypothesis)))
    cases = []
    for reference, hypothesis in pairs:
        w, c = jiwer.process_words(reference, hypothesis), jiwer.process_characters(reference, hypothesis)
        cases.append({"reference": reference, "hypothesis": hypothesis,
                      "wer": w.wer, "S": w.substitutions, "D": w.deletions, "I": w.insertions, "hits": w.hits,
                      "cer": c.cer, "char_S": c.substitutions, "char_D": c.deletions, "char_I": c.insertions, "char_hits": c.hits})
    references, hypotheses = [p[0] for p in pairs], [p[1] for p in pairs]
    save_json_list(HERE / "wer/cases.json", {
        "made_by": "make_text.py", "versions": versions("jiwer", "rapidfuzz"),
        "corpus_wer": jiwer.wer(references, hypotheses), "corpus_cer": jiwer.cer(references, hypotheses)}, "cases", cases)


def write_tokenizers():
    rng = random.Random(6)
    pool = list(" abcdehntTIo'.,!01 \n\té世и🙂ñ")
    texts = TOKENIZER_TEXTS + ["".join(rng.choice(pool) for _ in range(rng.randint(3, 24))) for _ in range(60)]
    encodings = {"nano": (nano.encoding(), nano.N_TEXT)}
    for name in ("multilingual", "gpt2"):
        e = whisper.tokenizer.get_encoding(name)
        encodings[name] = (e, e.eot_token)
    for name, (encoding, n_text) in encodings.items():
        cases = []
        for text in texts:
            tokens = encoding.encode(text, disallowed_special=())
            assert encoding.decode(tokens) == text
            cases.append({"text": text, "tokens": tokens})
        decodes = []
        for _ in range(40):  # arbitrary ids: incomplete UTF-8 becomes U+FFFD, as Python's errors="replace"
            tokens = [rng.randrange(min(n_text, 256) if rng.random() < 0.7 else n_text) for _ in range(rng.randint(1, 8))]
            decodes.append({"tokens": tokens, "text": encoding.decode(tokens)})
        save_json_list(HERE / f"tokenizer/{name}.json", {
            "made_by": "make_text.py", "versions": versions("openai-whisper", "tiktoken"),
            "decode": decodes}, "cases", cases)


def write_splits():
    """Words and their tokens as word timestamps group them, on nano's tokenizer."""
    cases = []
    for language, text in (("en", " it's the and, you of to."), ("en", " señor — 100%!"), ("es", " ¿Cómo? ¡Sí!"), ("zh", "你好世界"), ("ja", "日本語テスト。"),
                           ("ru", " Привет, мир"), ("th", "สวัสดี"), ("en", "🙂 ok"), ("en", "...")):
        tokenizer = nano.tokenizer(language)
        tokens = tokenizer.encode(text) + [tokenizer.eot]
        words, word_tokens = tokenizer.split_to_word_tokens(tokens)
        cases.append({"language": language, "text": text, "tokens": tokens, "words": words, "word_tokens": word_tokens})
    save_json_list(HERE / "tokenizer/nano_words.json", {"made_by": "make_text.py", "versions": versions("openai-whisper")}, "cases", cases)


def write_spelling(path):
    mapping = json.loads((pathlib.Path(whisper.normalizers.__file__).parent / "english.json").read_text(encoding="utf-8"))
    lines = ["# British to American spellings, as openai-whisper 20250625 ships them (MIT licence, OpenAI), after the list of tysto.com.",
             "# One pair a line, separated by a tab; keys are looked up as whole words of normalised text."]
    lines += [f"{british}\t{american}" for british, american in mapping.items()]
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(mapping)


def main():
    cases = write_normalizers()
    write_wer()
    write_tokenizers()
    write_splits()
    print(len(cases), "English cases,", sum("error" in c for c in cases), "of them errors in openai-whisper")
    if "--spelling" in sys.argv:
        print(write_spelling(sys.argv[sys.argv.index("--spelling") + 1]), "spelling pairs")


if __name__ == "__main__":
    main()
