"""Writes saelens/: small SAEs saved by sae-lens itself, each with x, features and reconstruction. See README.md."""

import os
import shutil
import sys

if os.environ.get("PYTHONHASHSEED") != "0":  # sae-lens writes the keys of cfg.json in set order
    os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "PYTHONHASHSEED": "0"})

import torch
import sae_lens
from sae_lens import SAE

from common import HERE, save_safetensors

D, F, N, K = 8, 24, 16, 4
torch.set_num_threads(1)


def fill(sae, g):
    """Seeded parameters: unit-ish decoder rows, an encoder near its transpose, biases that matter."""
    with torch.no_grad():
        for name, p in sorted(sae.state_dict().items()):
            if name == "topk_threshold":
                p.fill_(0.4375)
            elif name == "W_dec":
                p.copy_(torch.randn(p.shape, generator=g) / D**0.5)
            elif name == "W_enc":
                p.copy_(sae.W_dec.T[:D] + 0.2 * torch.randn(p.shape, generator=g) if p.shape == sae.W_dec.T.shape
                        else torch.randn(p.shape, generator=g) / D**0.5)
            elif name == "W_skip":
                p.copy_(0.3 * torch.randn(p.shape, generator=g))
            elif name == "threshold":
                p.copy_(0.1 + 0.5 * torch.rand(p.shape, generator=g))
            else:
                p.copy_(0.2 * torch.randn(p.shape, generator=g))
    return sae


def cases():
    base = dict(d_in=D, d_sae=F, dtype="float32", device="cpu")
    yield "standard", sae_lens.StandardSAE(sae_lens.StandardSAEConfig(**base)), False
    yield "standard_uncentred", sae_lens.StandardSAE(sae_lens.StandardSAEConfig(**base, apply_b_dec_to_input=False)), False
    yield "standard_layer_norm", sae_lens.StandardSAE(sae_lens.StandardSAEConfig(**base, normalize_activations="layer_norm")), False
    yield "standard_constant_norm", sae_lens.StandardSAE(
        sae_lens.StandardSAEConfig(**base, normalize_activations="constant_norm_rescale")), False
    yield "gated", sae_lens.GatedSAE(sae_lens.GatedSAEConfig(**base)), False
    yield "jumprelu", sae_lens.JumpReLUSAE(sae_lens.JumpReLUSAEConfig(**base)), False
    yield "topk", sae_lens.TopKSAE(sae_lens.TopKSAEConfig(**base, k=K)), False
    yield "topk_rescale", sae_lens.TopKSAE(sae_lens.TopKSAEConfig(**base, k=K, rescale_acts_by_decoder_norm=True)), False
    yield "transcoder", sae_lens.Transcoder(sae_lens.TranscoderConfig(**base, d_out=5, apply_b_dec_to_input=False)), False
    yield "skip_transcoder", sae_lens.SkipTranscoder(sae_lens.SkipTranscoderConfig(**base, d_out=5, apply_b_dec_to_input=False)), False
    yield "jumprelu_transcoder", sae_lens.JumpReLUTranscoder(
        sae_lens.JumpReLUTranscoderConfig(**base, d_out=5, apply_b_dec_to_input=False)), False
    # trained, then saved for inference
    yield "standard_from_training", sae_lens.StandardTrainingSAE(sae_lens.StandardTrainingSAEConfig(**base)), True
    yield "topk_from_training", sae_lens.TopKTrainingSAE(sae_lens.TopKTrainingSAEConfig(**base, k=K)), True
    yield "batchtopk", sae_lens.BatchTopKTrainingSAE(
        sae_lens.BatchTopKTrainingSAEConfig(**base, k=K, rescale_acts_by_decoder_norm=False)), True
    yield "batchtopk_rescale", sae_lens.BatchTopKTrainingSAE(sae_lens.BatchTopKTrainingSAEConfig(**base, k=K)), True
    yield "matryoshka_batchtopk", sae_lens.MatryoshkaBatchTopKTrainingSAE(sae_lens.MatryoshkaBatchTopKTrainingSAEConfig(
        **base, k=K, matryoshka_widths=[4, 12, F], rescale_acts_by_decoder_norm=False)), True
    yield "jumprelu_from_training", sae_lens.JumpReLUTrainingSAE(sae_lens.JumpReLUTrainingSAEConfig(**base)), True


def main():
    shutil.rmtree(HERE / "saelens", ignore_errors=True)
    g = torch.Generator().manual_seed(17)
    x = 1.5 * torch.randn(N, D, generator=g) + torch.linspace(-1, 1, D)
    for name, sae, training in cases():
        folder = HERE / "saelens" / name
        sae.cfg.metadata.model_name, sae.cfg.metadata.hook_name = "whisper-nano", "encoder.blocks.0.resid_post"
        fill(sae, g)
        (sae.save_inference_model if training else sae.save_model)(folder)
        loaded = SAE.load_from_disk(folder)
        with torch.no_grad():
            features = loaded.encode(x)
            # __call__ rather than decode(encode): skip connections and run-time normalisation need x
            save_safetensors(folder / "golden.safetensors", {"x": x, "features": features, "reconstruction": loaded(x)})
        l0 = (features != 0).sum(1).float()
        assert 0 < l0.mean() < F, name
        print(f"{name:26s} {loaded.cfg.architecture():20s} L0 {l0.mean():.2f} norm {loaded(x).norm():.3f}")
    # a training checkpoint: cfg says batchtopk and the threshold is a float64 scalar
    sae = fill(sae_lens.BatchTopKTrainingSAE(sae_lens.BatchTopKTrainingSAEConfig(
        d_in=D, d_sae=F, k=K, rescale_acts_by_decoder_norm=False)), g)
    sae.save_model(HERE / "saelens" / "batchtopk_checkpoint")


if __name__ == "__main__":
    main()
