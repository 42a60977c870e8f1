#!/usr/bin/env python3
"""A peer for `make bench`: all-MiniLM-L6-v2 in ONNX Runtime, int8, one thread.

The graph is written here from the base's safetensors with ONNX Runtime's own fused
operators (attention, skip layer norm, bias gelu), then quantized dynamically, per
channel: what its tools make of this model at their best. It is held against the
same model written out in numpy before anything is timed. Tokenizing is part of the
time, with the `tokenizers` package.

  minilm_onnx.py BASE_FOLDER CACHE_FOLDER < TEXTS

Prints one JSON object.
"""
import json, logging, os, pathlib, subprocess, sys, time

os.environ["OMP_NUM_THREADS"] = os.environ["RAYON_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import numpy
import onnxruntime
from safetensors.numpy import load_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

LAYERS, HEADS, WIDTH = 6, 12, 384
BATCHED = 6_000  # messages, as many as Baton is measured with at a time
LONGEST = 128  # pieces, as many as Baton reads


def say(text):
    print("bench: onnxruntime:", text, file=sys.stderr)


def weights_of(base):
    weights = load_file(base / "model.safetensors")
    return {name.removeprefix("bert."): value.astype(numpy.float32) for name, value in weights.items()}


def graph_of(weights):
    from onnx import TensorProto, helper, numpy_helper

    nodes, constants = [], []

    def constant(name, value):
        constants.append(numpy_helper.from_array(numpy.ascontiguousarray(value), name))
        return name

    def node(kind, inputs, output, domain="", **attributes):
        nodes.append(helper.make_node(kind, inputs, [output], domain=domain, **attributes))
        return output

    def weight(name):
        return constant(name, weights[name])

    def linear(at, x, name):  # without the bias: it is part of what comes next
        return node("MatMul", [x, constant(f"{at}.w", weights[f"{name}.weight"].T)], f"{at}.out")

    # Words, places and the one segment, summed and normalized.
    words = node("Gather", [weight("embeddings.word_embeddings.weight"), "ids"], "words")
    segment = weights["embeddings.token_type_embeddings.weight"][0]
    places = constant("places.w", weights["embeddings.position_embeddings.weight"] + segment)
    length = node("Shape", ["ids"], "length", start=1, end=2)
    place = node("Slice", [places, constant("zero", numpy.array([0])), length], "place")
    x = node("LayerNormalization",
             [node("Add", [words, place], "summed"), weight("embeddings.LayerNorm.weight"),
              weight("embeddings.LayerNorm.bias")], "x", axis=-1, epsilon=1e-12)
    for n in range(LAYERS):
        name = f"encoder.layer.{n}"
        parts = [f"{name}.attention.self.{part}" for part in ("query", "key", "value")]
        qkv = constant(f"{n}.qkv", numpy.concatenate([weights[f"{part}.weight"].T for part in parts], axis=1))
        bias = constant(f"{n}.qkv.b", numpy.concatenate([weights[f"{part}.bias"] for part in parts]))
        seen = node("Attention", [x, qkv, bias, "mask"], f"{n}.seen", "com.microsoft", num_heads=HEADS)

        def close(seen, rest, part):
            norm = [weight(f"{part}.LayerNorm.weight"), weight(f"{part}.LayerNorm.bias"), weight(f"{part}.dense.bias")]
            out = linear(part, seen, f"{part}.dense")
            return node("SkipLayerNormalization", [out, rest, *norm], f"{part}.x", "com.microsoft", epsilon=1e-12)

        x = close(seen, x, f"{name}.attention.output")
        up = linear(f"{n}.up", x, f"{name}.intermediate.dense")
        up = node("BiasGelu", [up, weight(f"{name}.intermediate.dense.bias")], f"{n}.gelu", "com.microsoft")
        x = close(up, x, f"{name}.output")
    # The mean over the pieces of each text.
    mask = node("Unsqueeze", [node("Cast", ["mask"], "mask.f", to=TensorProto.FLOAT), constant("last", numpy.array([2]))], "mask.u")
    along = constant("along", numpy.array([1]))
    total = node("ReduceSum", [node("Mul", [x, mask], "masked"), along], "total", keepdims=0)
    node("Div", [total, node("ReduceSum", [mask, along], "count", keepdims=0)], "mean")
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "minilm",
        [value("ids", TensorProto.INT64, ["texts", "pieces"]), value("mask", TensorProto.INT32, ["texts", "pieces"])],
        [value("mean", TensorProto.FLOAT, ["texts", WIDTH])], constants)
    versions = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=versions, ir_version=9)


def written_out(weights, ids):
    """The same model for one text, in numpy: what the graph is held against."""
    from math import erf

    gelu = numpy.vectorize(lambda x: 0.5 * x * (1 + erf(x / 2**0.5)))

    def norm(x, name):
        x = (x - x.mean(-1, keepdims=True)) / numpy.sqrt(x.var(-1, keepdims=True) + 1e-12)
        return x * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def linear(x, name):
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    x = weights["embeddings.word_embeddings.weight"][ids]
    x = x + weights["embeddings.position_embeddings.weight"][: len(ids)] + weights["embeddings.token_type_embeddings.weight"][0]
    x = norm(x, "embeddings.LayerNorm")
    for n in range(LAYERS):
        name = f"encoder.layer.{n}"
        query, key, value = (
            linear(x, f"{name}.attention.self.{part}").reshape(len(ids), HEADS, -1).transpose(1, 0, 2)
            for part in ("query", "key", "value"))
        scores = query @ key.transpose(0, 2, 1) / (WIDTH / HEADS) ** 0.5
        scores = numpy.exp(scores - scores.max(-1, keepdims=True))
        seen = ((scores / scores.sum(-1, keepdims=True)) @ value).transpose(1, 0, 2).reshape(len(ids), WIDTH)
        x = norm(linear(seen, f"{name}.attention.output.dense") + x, f"{name}.attention.output.LayerNorm")
        up = gelu(linear(x, f"{name}.intermediate.dense"))
        x = norm(linear(up, f"{name}.output.dense") + x, f"{name}.output.LayerNorm")
    return x.mean(0)


def open_model(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def tokenizer_of(base):
    vocabulary = {line.rstrip("\n"): n for n, line in enumerate(open(base / "vocab.txt", encoding="utf-8"))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    border = {name: vocabulary[name] for name in ("[CLS]", "[SEP]")}
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=list(border.items()))
    tokenizer.enable_truncation(LONGEST)
    tokenizer.no_padding()
    return tokenizer


def put_together(encoded):
    """Pads to the longest."""
    ids = numpy.zeros((len(encoded), max(len(each) for each in encoded)), numpy.int64)
    mask = numpy.zeros(ids.shape, numpy.int32)
    for row, each in enumerate(encoded):
        ids[row, : len(each)] = each.ids
        mask[row, : len(each)] = 1
    return {"ids": ids, "mask": mask}


def build(base, cache, tokenizer, texts):
    from onnxruntime.quantization import QuantType, quantize_dynamic
    import onnx

    logging.disable(logging.WARNING)
    weights = weights_of(base)
    plain, quantized = cache / "minilm.onnx", cache / "minilm_int8.onnx"
    onnx.save(graph_of(weights), str(plain))
    encoded = [tokenizer.encode(text) for text in texts[:8]]
    expected = numpy.stack([written_out(weights, each.ids) for each in encoded])
    apart = numpy.abs(open_model(plain).run(None, put_together(encoded))[0] - expected).max()
    if apart > 1e-4:
        sys.exit(f"the graph is not the base model: {apart} apart")
    quantize_dynamic(str(plain), str(quantized.with_suffix(".new")), weight_type=QuantType.QInt8, per_channel=True,
                     extra_options={"MatMulConstBOnly": True, "DefaultTensorType": onnx.TensorProto.FLOAT})
    found = open_model(quantized.with_suffix(".new")).run(None, put_together(encoded))[0]
    cosines = (found * expected).sum(-1) / numpy.linalg.norm(found, axis=-1) / numpy.linalg.norm(expected, axis=-1)
    say(f"graph written; {apart:.1e} from the base, int8 at a cosine of {cosines.min():.3f} or more")
    if cosines.min() < 0.9:
        sys.exit("int8 is not the base model any more")
    quantized.with_suffix(".new").rename(quantized)
    plain.unlink()


def rate(model, tokenizer, texts, batch, window):
    """Messages a second, each window of waiting texts put in order of length."""
    begun = time.perf_counter()
    for at in range(0, len(texts), window):
        encoded = [tokenizer.encode(text) for text in texts[at : at + window]]
        encoded.sort(key=len)
        for first in range(0, len(encoded), batch):
            model.run(None, put_together(encoded[first : first + batch]))
    return len(texts) / (time.perf_counter() - begun)


def main():
    base, cache = map(pathlib.Path, sys.argv[1:3])
    texts = sys.stdin.read().splitlines()
    tokenizer = tokenizer_of(base)
    cache.mkdir(parents=True, exist_ok=True)
    if not (cache / "minilm_int8.onnx").exists():
        build(base, cache, tokenizer, texts)
        # The figures come from a process that has not built anything.
        again = subprocess.run([sys.executable, *sys.argv], input="\n".join(texts), text=True)
        sys.exit(again.returncode)
    model = open_model(cache / "minilm_int8.onnx")
    for text in texts[:40]:
        model.run(None, put_together([tokenizer.encode(text)]))
    spans = []
    for text in texts:
        begun = time.perf_counter()
        model.run(None, put_together([tokenizer.encode(text)]))
        spans.append((time.perf_counter() - begun) * 1000)
    spans.sort()
    shapes = [(16, 16), (16, 64), (16, 256), (8, 256), (32, 256), (4, 256), (1, 64)]
    rates = {shape: rate(model, tokenizer, texts, *shape) for shape in shapes}
    best = max(rates, key=rates.get)
    # Once more and for longer: the largest of some short measurements is more than the shape reaches.
    batch_per_s = rate(model, tokenizer, (texts * (BATCHED // len(texts) + 1))[:BATCHED], *best)
    with open("/proc/self/status") as status:
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    print(json.dumps({
        "single_p50_ms": spans[round((len(spans) - 1) * 0.5)], "single_p99_ms": spans[round((len(spans) - 1) * 0.99)],
        "batch_per_s": batch_per_s, "shape": f"{best[0]} of {best[1]} waiting, by length",
        "shapes": {f"{batch}/{window}": round(rate) for (batch, window), rate in rates.items()},
        "rss_mb": peak / 1024, "version": onnxruntime.__version__}))


if __name__ == "__main__":
    main()
