"""Writes whisper_nano/ (Hugging Face folder), whisper_nano_ct2/ (CTranslate2 folder), whisper_pico_sharded/
and the values, gradients and decodes that openai-whisper and torch get from them. See README.md."""

import struct
import sys

import numpy as np
import torch
import whisper.decoding
from whisper.audio import log_mel_spectrogram

import forward
import nano
from common import HERE, Margins, chirp, save_json, save_safetensors, versions
from nano import ALIGNMENT_HEADS, DIMS, ID, LANGS, MERGES, N_TEXT, N_VOCAB, ORDINARY, SPECIAL

torch.set_num_threads(1)
torch.manual_seed(0)
ROWS = torch.tensor([0, 1, 31, 64, 98, 99])  # encoder positions whose values are stored
SUPPRESS = [1, 2, 7, 8, 9, 10, 14, 25, 26, 27, 28, 29, 31, 58, 59, 60, 61, 62, 63, 90, 91, 92, 93] + sorted(
    ID[f"<|{t}|>"] for t in ("startoftranscript", "translate", "transcribe", "startoflm", "startofprev", "nospeech"))
BEGIN_SUPPRESS = [220, ID["<|endoftext|>"]]


# --- model folders -------------------------------------------------------------------------------------------

def hf_name(name):
    side, rest = name.split(".", 1)
    for old, new in (
        ("cross_attn_ln", "encoder_attn_layer_norm"), ("attn_ln", "self_attn_layer_norm"), ("mlp_ln", "final_layer_norm"),
        ("cross_attn.", "encoder_attn."), ("mlp.0", "fc1"), ("mlp.2", "fc2"), ("blocks.", "layers."),
        ("ln_post", "layer_norm"), ("token_embedding", "embed_tokens"),
    ):
        rest = rest.replace(old, new)
    if "layers." in rest:
        rest = rest.replace(".attn.", ".self_attn.")
        for old in ("query", "key", "value", "out"):
            rest = rest.replace(f"attn.{old}.", f"attn.{old[0] if old != 'out' else 'out'}_proj.")
    if rest.startswith("ln."):
        rest = "layer_norm." + rest[3:]
    if rest == "positional_embedding":
        rest = "embed_positions.weight"
    return f"model.{side}.{rest}"


def tokenizer_json(old_style):
    """Newer exports list every special token and merges as pairs. Older ones (`old_style`) leave the timestamps
    out, write merges as strings, and some lack the first merge: that trap is kept on purpose."""
    specials = SPECIAL[:107] if old_style else SPECIAL
    merges = [m if old_style else m.split(" ") for m in MERGES][1 if old_style else 0:]
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [
            {"id": ID[t], "content": t, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
             "special": i < 107} for i, t in enumerate(specials)],
        "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "",
                  "end_of_word_suffix": "", "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                  "vocab": {t: i for i, t in enumerate(ORDINARY)}, "merges": merges},
    }


def hf_config(dtype):
    return {
        "architectures": ["WhisperForConditionalGeneration"], "model_type": "whisper", "d_model": DIMS.n_audio_state,
        "encoder_layers": DIMS.n_audio_layer, "decoder_layers": DIMS.n_text_layer,
        "encoder_attention_heads": DIMS.n_audio_head, "decoder_attention_heads": DIMS.n_text_head,
        "encoder_ffn_dim": 4 * DIMS.n_audio_state, "decoder_ffn_dim": 4 * DIMS.n_text_state,
        "num_mel_bins": DIMS.n_mels, "max_source_positions": DIMS.n_audio_ctx, "max_target_positions": DIMS.n_text_ctx,
        "vocab_size": N_VOCAB, "activation_function": "gelu", "scale_embedding": False, "tie_word_embeddings": True,
        "bos_token_id": N_TEXT, "eos_token_id": N_TEXT, "pad_token_id": N_TEXT,
        "decoder_start_token_id": ID["<|startoftranscript|>"], "torch_dtype": dtype,
    }


def generation_config():
    return {
        "alignment_heads": ALIGNMENT_HEADS, "begin_suppress_tokens": BEGIN_SUPPRESS, "suppress_tokens": SUPPRESS,
        "bos_token_id": N_TEXT, "eos_token_id": N_TEXT, "pad_token_id": N_TEXT,
        "decoder_start_token_id": ID["<|startoftranscript|>"], "is_multilingual": True,
        "lang_to_id": {f"<|{lang}|>": ID[f"<|{lang}|>"] for lang in LANGS},
        "task_to_id": {t: ID[f"<|{t}|>"] for t in ("transcribe", "translate")},
        "no_timestamps_token_id": ID["<|notimestamps|>"], "prev_sot_token_id": ID["<|startofprev|>"],
        "max_initial_timestamp_index": 50, "max_length": DIMS.n_text_ctx, "return_timestamps": False,
    }


def write_hf(model):
    folder = HERE / "whisper_nano"
    tensors = {hf_name(name): value.half() for name, value in model.state_dict().items()}
    assert len(tensors) == 11 + 15 * DIMS.n_audio_layer + 24 * DIMS.n_text_layer
    save_safetensors(folder / "model.safetensors", tensors)
    save_json(folder / "config.json", hf_config("float16"), indent=2)
    save_json(folder / "generation_config.json", generation_config())
    save_json(folder / "tokenizer.json", tokenizer_json(old_style=False))


def write_sharded(mel, tokens):
    """whisper-pico, saved by transformers itself in bf16 shards: one layer a side, one head, no tokenizer."""
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    folder = HERE / "whisper_pico_sharded"
    config = hf_config("bfloat16")
    config.pop("torch_dtype")
    config.update(d_model=64, encoder_layers=1, decoder_layers=1, encoder_attention_heads=1, decoder_attention_heads=1,
                  encoder_ffn_dim=256, decoder_ffn_dim=256)
    torch.manual_seed(3)
    model = WhisperForConditionalGeneration(WhisperConfig(**config)).eval()
    with torch.no_grad():
        for name, value in model.named_parameters():
            if "embed_positions" not in name or "decoder" in name:
                value.copy_(value + 0.2 * torch.randn(value.shape))
    model = model.bfloat16()
    model.generation_config.update(**generation_config())
    model.generation_config.alignment_heads = [[0, 0]]
    model.save_pretrained(folder, max_shard_size="300KB")
    model = model.float()
    with torch.no_grad():
        out = model(input_features=mel, decoder_input_ids=tokens)
    save_safetensors(HERE / "whisper_pico_expect.safetensors", {
        "encoder_rows": ROWS, "encoder.out": out.encoder_last_hidden_state.index_select(1, ROWS),
        "logits_last": out.logits[:, -1].contiguous()})


def write_ct2(model):
    p = model.state_dict()
    out = {}

    def norm(name, source):
        out[name + "/gamma"], out[name + "/beta"] = p[source + ".weight"], p[source + ".bias"]

    def linear(name, sources):
        out[name + "/weight"] = torch.cat([p[s + ".weight"] for s in sources])
        out[name + "/bias"] = torch.cat(
            [p.get(s + ".bias", torch.zeros(p[s + ".weight"].shape[0])) for s in sources])

    for side, layers in (("encoder", DIMS.n_audio_layer), ("decoder", DIMS.n_text_layer)):
        for i in range(layers):
            s, t = f"{side}.blocks.{i}.", f"{side}/layer_{i}/"
            norm(t + "self_attention/layer_norm", s + "attn_ln")
            linear(t + "self_attention/linear_0", [s + "attn.query", s + "attn.key", s + "attn.value"])
            linear(t + "self_attention/linear_1", [s + "attn.out"])
            if side == "decoder":
                norm(t + "attention/layer_norm", s + "cross_attn_ln")
                linear(t + "attention/linear_0", [s + "cross_attn.query"])
                linear(t + "attention/linear_1", [s + "cross_attn.key", s + "cross_attn.value"])
                linear(t + "attention/linear_2", [s + "cross_attn.out"])
            norm(t + "ffn/layer_norm", s + "mlp_ln")
            linear(t + "ffn/linear_0", [s + "mlp.0"])
            linear(t + "ffn/linear_1", [s + "mlp.2"])
    norm("encoder/layer_norm", "encoder.ln_post")
    norm("decoder/layer_norm", "decoder.ln")
    for conv in ("conv1", "conv2"):
        for part in ("weight", "bias"):
            out[f"encoder/{conv}/{part}"] = p[f"encoder.{conv}.{part}"]
    out["encoder/position_encodings/encodings"] = p["encoder.positional_embedding"]
    out["decoder/position_encodings/encodings"] = p["decoder.positional_embedding"]
    out["decoder/embeddings/weight"] = p["decoder.token_embedding.weight"]
    variables = {name: (tuple(v.shape), 4, v.half().numpy().tobytes()) for name, v in out.items()}
    for name, code, kind, value in (
        ("decoder/activation", 1, "b", 3), ("decoder/alibi", 1, "b", 0), ("decoder/pre_norm", 1, "b", 1),
        ("decoder/scale_embeddings", 1, "b", 0), ("decoder/start_from_zero_embedding", 1, "b", 0),
        ("decoder/alignment_layer", 2, "h", -1), ("decoder/alignment_heads", 2, "h", 1),
        ("encoder/num_heads", 2, "h", DIMS.n_audio_head), ("decoder/num_heads", 2, "h", DIMS.n_text_head),
    ):
        variables[name] = ((), code, struct.pack("<" + kind, value))

    def string(s):
        raw = s.encode() + b"\0"
        return struct.pack("<H", len(raw)) + raw

    folder = HERE / "whisper_nano_ct2"
    folder.mkdir(exist_ok=True)
    with open(folder / "model.bin", "wb") as f:
        f.write(struct.pack("<I", 6) + string("WhisperSpec") + struct.pack("<II", 3, len(variables)))
        for name in sorted(variables, key=str.encode):
            shape, code, raw = variables[name]
            f.write(string(name) + struct.pack("<B", len(shape)) + struct.pack(f"<{len(shape)}I", *shape))
            f.write(struct.pack("<BI", code, len(raw)) + raw)
        f.write(struct.pack("<I", 1) + string("decoder/projection/weight") + string("decoder/embeddings/weight"))
    (folder / "vocabulary.txt").write_text("".join(t + "\n" for t in ORDINARY + SPECIAL), encoding="utf-8")
    save_json(folder / "config.json", {
        "alignment_heads": ALIGNMENT_HEADS, "lang_ids": [ID[f"<|{lang}|>"] for lang in LANGS],
        "suppress_ids": SUPPRESS, "suppress_ids_begin": BEGIN_SUPPRESS})
    save_json(folder / "tokenizer.json", tokenizer_json(old_style=True))


# --- values and gradients ------------------------------------------------------------------------------------

def keep_rows(name, value):
    """Encoder positions are cut to ROWS; the key axis of scores and patterns stays whole."""
    axis = None
    if name.startswith("encoder."):
        per_head = name.rsplit(".", 1)[1] in ("q", "k", "v", "z", "attn_scores", "attn_pattern")
        axis = 2 if per_head else 1
    elif name.endswith(("cross_k", "cross_v")):
        axis = 2
    return value if axis is None else value.index_select(axis, ROWS)


def norm_of(value):
    finite = value[torch.isfinite(value)].double()
    return {"norm": finite.norm().item(), "sum": finite.sum().item()}


def write_values(model, mel, tokens):
    p = forward.params_of(model)
    norms = {"sites": {}, "a": {}, "b": {}, "c": {}}
    trace = forward.run(p, DIMS, mel.double(), tokens)
    values = {"encoder_rows": ROWS}
    for name, value in trace.items():
        values[name] = keep_rows(name, value).float()
        norms["sites"][name] = norm_of(value)
    save_safetensors(HERE / "whisper_nano_sites.safetensors", values)

    g = torch.Generator().manual_seed(99)
    cotangent = {name: torch.randn(trace[name].shape, generator=g) for name in ("encoder.out", "logits")}
    grads = {"encoder_rows": ROWS, **{f"cotangent/{name}": value for name, value in cotangent.items()}}
    for key, read, frozen in (("a", "encoder.out", ()), ("b", "logits", ()), ("c", "logits", ("patterns", "norms", "gates"))):
        trace = forward.run(p, DIMS, mel.double(), tokens if read == "logits" else None, frozen, grad=True)
        trace[read].backward(cotangent[read].double())
        for name, value in trace.items():
            if name == read:
                continue
            gradient = value.grad
            if gradient is None or not gradient.any():  # cut off by freezing
                assert key == "c" and name.endswith(
                    (".q", ".k", "cross_q", "cross_k", "attn_scores", "ln_cross", "ln_cross.scale")), name
                continue
            grads[f"{key}/{name}"] = keep_rows(name, gradient).float()
            norms[key][name] = norm_of(gradient)
    save_safetensors(HERE / "whisper_nano_grads.safetensors", grads)
    save_json(HERE / "whisper_nano_norms.json", norms)
    return trace


# --- decoding ------------------------------------------------------------------------------------------------

def decode_with_openai(model, mel):
    """whisper.decode itself, one item at a time, with nano's tokenizer in place of the shipped ones."""
    nano.adapt_openai_whisper()
    plain = dict(without_timestamps=True, suppress_blank=False, suppress_tokens=None, sample_len=20)
    settings = {
        "greedy": plain,
        "beam3": dict(plain, beam_size=3),
        "beam3_patience2": dict(plain, beam_size=3, patience=2.0),
        "beam3_length_penalty_0.6": dict(plain, beam_size=3, length_penalty=0.6),
        "greedy_defaults_no_timestamps": dict(without_timestamps=True, suppress_tokens=SUPPRESS[:23]),
        "greedy_defaults": dict(suppress_tokens=SUPPRESS[:23]),
        "greedy_translate_de": dict(plain, task="translate", language="de"),
        "greedy_prompt": dict(plain, prompt=[257, 259, 64]),
        "greedy_prefix": dict(plain, prefix=[257, 64]),
    }
    out = {}
    for name, options in settings.items():
        options = {"language": "en", **options}
        runs = []
        for item in mel:
            with Margins() as watch:
                result = whisper.decoding.decode(model, item, whisper.decoding.DecodingOptions(fp16=False, **options))
            runs.append({"tokens": result.tokens, "text": result.text, "avg_logprob": round(result.avg_logprob, 6),
                         "no_speech_prob": result.no_speech_prob, "compression_ratio": round(result.compression_ratio, 6),
                         **({"margins": watch.seen[:len(result.tokens) + 1]} if "beam" not in name else {})})
        out[name] = {"options": options, "results": runs}
    tokens, probs = whisper.decoding.detect_language(model, mel, nano.tokenizer())
    out["detect_language"] = {
        "token": tokens.tolist(), "top": [sorted(({k: round(v, 6) for k, v in p.items()}).items(), key=lambda kv: -kv[1])[:5] for p in probs]}
    return out


# --- the other sides agree -----------------------------------------------------------------------------------

def check_transformers(mel, tokens, logits):
    from transformers import WhisperForConditionalGeneration

    model = WhisperForConditionalGeneration.from_pretrained(HERE / "whisper_nano", dtype=torch.float32).eval()
    with torch.no_grad():
        got = model(input_features=mel, decoder_input_ids=tokens).logits
    assert ((got - logits).norm() / logits.norm()).item() < 1e-5
    from tokenizers import Tokenizer

    tok = Tokenizer.from_file(str(HERE / "whisper_nano" / "tokenizer.json"))
    for text in (" the and you  it's señor 100", "Привет…\n"):
        assert tok.encode(text, add_special_tokens=False).ids == nano.encoding().encode(text), text


def check_ctranslate2(mel, want):
    import ctranslate2

    model = ctranslate2.models.Whisper(str(HERE / "whisper_nano_ct2"), compute_type="float32", intra_threads=1)
    got = np.array(model.encode(ctranslate2.StorageView.from_array(mel.numpy())))
    diff = np.linalg.norm(got - want.numpy()) / np.linalg.norm(want.numpy())
    assert diff < 1e-5, diff


def main():
    model = nano.build()
    write_hf(model)
    write_ct2(model)
    pcm = np.stack([chirp(seed, 2.0) for seed in (0, 1)])
    mel = torch.stack([log_mel_spectrogram(torch.from_numpy(x.astype(np.float32) / 32768)) for x in pcm])
    prompt = [ID[t] for t in ("<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|notimestamps|>")]
    tokens = torch.tensor([prompt + nano.encoding().encode(text)[:4] for text in (" the and it", "señor 100%")])
    save_safetensors(HERE / "whisper_nano_input.safetensors", {"mel": mel, "tokens": tokens, "pcm": torch.from_numpy(pcm)})
    worst = forward.check_against_openai(model, mel, tokens)
    print("worst gradient difference against openai-whisper's modules in fp32:", worst)
    write_values(model, mel, tokens)
    write_sharded(mel, tokens)
    trace = forward.run(forward.params_of(model, torch.float32), DIMS, mel, tokens)
    check_transformers(mel, tokens, trace["logits"])
    check_ctranslate2(mel, trace["encoder.out"])
    save_json(HERE / "whisper_nano_decode.json", {
        "made_by": "make_nano.py", "versions": versions("openai-whisper", "torch"),
        "prompt": prompt, "eot": N_TEXT, **decode_with_openai(model, mel)}, indent=None)


if __name__ == "__main__":
    sys.exit(main())
