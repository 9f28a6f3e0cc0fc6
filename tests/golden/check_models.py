"""check_models.py WORK: exported checkpoints in the libraries that they are for.

WORK/NAME.json is `otoscope transcribe --window --format json` of a few prompts by the published checkpoint NAME;
WORK/NAME-hf and WORK/NAME-ct2 are its exports, WORK/NAME is itself (a CTranslate2 folder). The same text is said by

- openai-whisper (weights by Hugging Face's names; its own tokenizer),
- transformers (weights, tokenizer, preprocessor and generation settings from the folder alone),
- faster-whisper from the exported folder and from the published one (its log-mel is its own, so its texts may differ
  from ours where the model is undecided).

With WORK/edited.json (the same under a recipe) and WORK/edited-hf (the recipe folded into weights), openai-whisper must
say the steered text."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import torch
import whisper
from safetensors.torch import load_file
from whisper.model import ModelDimensions, Whisper

work = pathlib.Path(sys.argv[1])
torch.set_grad_enabled(False)
failures = 0


def check(name, got, want):
    global failures
    same = sum(g.strip() == w.strip() for g, w in zip(got, want, strict=True))
    print(f"{name}: {same} of {len(want)} texts equal")
    for g, w in zip(got, want):
        if g.strip() != w.strip():
            print(f"  got  {g!r}\n  want {w!r}")
    failures += same != len(want)


def audio_of(path):
    kind = ["-f", "g722"] if path.endswith(".g722") else []
    raw = subprocess.run(["ffmpeg", "-v", "error", *kind, "-i", path, "-ac", "1", "-ar", "16000", "-f", "s16le", "-"],
                         check=True, capture_output=True).stdout
    return np.frombuffer(raw, np.int16).astype(np.float32) / 32768


def openai_name(name):
    name = name.removeprefix("model.")
    for theirs, ours in ((".layers.", ".blocks."), ("encoder_attn_layer_norm", "cross_attn_ln"), ("self_attn_layer_norm", "attn_ln"),
                         ("final_layer_norm", "mlp_ln"), ("encoder_attn.", "cross_attn."), ("self_attn.", "attn."),
                         ("q_proj", "query"), ("k_proj", "key"), ("v_proj", "value"), ("out_proj", "out"), ("fc1", "mlp.0"),
                         ("fc2", "mlp.2"), ("embed_positions.weight", "positional_embedding"), ("embed_tokens", "token_embedding"),
                         ("encoder.layer_norm", "encoder.ln_post"), ("decoder.layer_norm", "decoder.ln")):
        name = name.replace(theirs, ours)
    return name


def load_openai(folder):
    config = json.loads((folder / "config.json").read_text())
    dims = ModelDimensions(
        n_mels=config["num_mel_bins"], n_audio_ctx=config["max_source_positions"], n_audio_state=config["d_model"],
        n_audio_head=config["encoder_attention_heads"], n_audio_layer=config["encoder_layers"], n_vocab=config["vocab_size"],
        n_text_ctx=config["max_target_positions"], n_text_state=config["d_model"],
        n_text_head=config["decoder_attention_heads"], n_text_layer=config["decoder_layers"])
    model = Whisper(dims)
    state = {openai_name(k): v.float() for k, v in load_file(folder / "model.safetensors").items()}
    model.load_state_dict(state)
    return model.eval()


def in_openai(folder, clips):
    model = load_openai(folder)
    texts = []
    for path, language in clips:
        mel = whisper.log_mel_spectrogram(whisper.pad_or_trim(audio_of(path)), model.dims.n_mels)
        texts.append(whisper.decode(model, mel, whisper.DecodingOptions(language=language, fp16=False)).text)
    return texts


def in_transformers(folder, clips):
    from transformers import WhisperForConditionalGeneration, WhisperProcessor

    model = WhisperForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    processor = WhisperProcessor.from_pretrained(folder)
    texts = []
    for path, language in clips:
        features = processor(audio_of(path), sampling_rate=16000, return_tensors="pt").input_features
        asked = {"language": language, "task": "transcribe"} if model.generation_config.is_multilingual else {}
        ids = model.generate(features, return_timestamps=True, num_beams=1, do_sample=False, **asked)
        texts.append(processor.batch_decode(ids, skip_special_tokens=True)[0])
    return texts


def in_faster_whisper(folder, clips):
    from faster_whisper import WhisperModel

    model = WhisperModel(str(folder), device="cpu", compute_type="float32", local_files_only=True)
    texts = []
    for path, language in clips:
        segments, _ = model.transcribe(audio_of(path), language=language, beam_size=1, temperature=0, condition_on_previous_text=False)
        texts.append("".join(s.text for s in segments))
    return texts


def clips_of(file):
    items = json.loads(file.read_text())
    return [(i["path"], i["language"]) for i in items], [i["text"] for i in items]


for file in sorted(work.glob("whisper-*.json")):
    clips, texts = clips_of(file)
    name = file.stem
    check(f"{name} in openai-whisper", in_openai(work / f"{name}-hf", clips), texts)
    check(f"{name} in transformers", in_transformers(work / f"{name}-hf", clips), texts)
    check(f"{name} in faster-whisper, exported and published", in_faster_whisper(work / f"{name}-ct2", clips),
          in_faster_whisper(work / name, clips))
if (work / "edited.json").exists():
    clips, texts = clips_of(work / "edited.json")
    plain = dict(zip(*clips_of(work / "whisper-base.json")))
    assert any(plain[clip] != text for clip, text in zip(clips, texts)), "the recipe changes no text: nothing is shown"
    check("the recipe as weights, in openai-whisper", in_openai(work / "edited-hf", clips), texts)
sys.exit(failures > 0)
