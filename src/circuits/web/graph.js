// Draws one attribution graph. Data come from the page; text is only ever set as text.
const data = JSON.parse(document.getElementById("data").textContent);
const SVG = "http://www.w3.org/2000/svg";

const h = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  for (const child of children) node.append(child);
  return node;
};
const s = (tag, attributes = {}, text = "") => {
  const node = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text) node.textContent = text;
  return node;
};

// Places: audio to the left, tokens to the right, layers up.
const width = 1200, left = 50, audioEnd = 800, tokensStart = 862, right = 1190;
const laneHeight = 16, errorHeight = 12, top = 64, spectrogramHeight = 90, massHeight = 22;
const layers = data.encoder_layers + data.decoder_layers;
const drawn = data.nodes.filter((node) => node.kind === "feature");
// Features crowd where the output is decided: frames and tokens with many get more room.
const stretched = (count, nodes, even, from, to) => {
  const share = new Array(count).fill(even / Math.max(1, count));
  for (const node of nodes)
    for (let i = node.begin; i < node.end && i < count; ++i) share[i] += (1 - even) / nodes.length / (node.end - node.begin);
  const total = share.reduce((sum, part) => sum + part, 0), ends = [from];
  for (const part of share) ends.push(ends[ends.length - 1] + (to - from) * part / total);
  return ends;
};
const frameX = stretched(data.frames, drawn.filter((node) => node.encoder), 0.35, left, audioEnd);
const tokenX = stretched(data.tokens.length, drawn.filter((node) => !node.encoder), 0.45, tokensStart, right);
const xOfFrame = (frame) => frameX[Math.max(0, Math.min(data.frames, Math.round(frame)))];
const xOfToken = (token) => (tokenX[token] + tokenX[token + 1]) / 2;
const seconds = (frame) => (frame * data.seconds_per_frame).toFixed(2) + " s";

const logits = data.nodes.filter((node) => node.kind === "logit");
const radius = (node) => node.kind === "feature" || node.kind === "logit"
  ? 3 + 5 * Math.sqrt(Math.min(1, node.influence * 4)) : 1.5 + 4.5 * Math.sqrt(Math.min(1, node.influence * 4));
const short = (text, most) => text.length > most ? text.slice(0, most - 1) + "…" : text;
const caption = (node) => node.kind === "logit" ? short(node.label.trim() || JSON.stringify(node.label), 14) + " " + node.probability.toFixed(2)
  : "#" + node.feature + (node.label && node.encoder ? " " + short(node.label, 18) : "");
// A token's features stand side by side in its column, in rows of as many as fit.
const cell = 46, seat = new Map();
const columnsOf = (token) => Math.max(1, Math.floor((tokenX[token + 1] - tokenX[token]) / cell));
for (const node of drawn) {
  if (node.encoder) continue;
  const key = node.layer + "," + node.begin, taken = seat.get(key) ?? 0;
  seat.set(key, taken + 1);
  seat.set(node, taken);
}
const across = (node) => node.encoder ? (xOfFrame(node.begin) + xOfFrame(node.end)) / 2
  : seat.has(node) ? Math.min(tokenX[node.begin] + 6 + cell * (seat.get(node) % columnsOf(node.begin)), right - cell + 6)
  : xOfToken(node.begin);
const span = (node) => {  // what a feature covers, with its name right of it
  const x = across(node), r = radius(node);
  const from = node.encoder ? Math.min(x - r, xOfFrame(node.begin)) : x - r;
  const to = node.encoder ? Math.max(x + r, xOfFrame(node.end)) : x + r;
  return [from, to, to + 5 + 5.7 * caption(node).length];
};

// Features of a layer that would cover each other, or each other's names, stand in lanes.
const lane = new Map(), lanes = new Array(layers).fill(1);
for (let layer = 0; layer < layers; ++layer) {
  const ends = [];
  drawn.filter((node) => node.layer === layer).sort((a, b) => span(a)[0] - span(b)[0]).forEach((node) => {
    const [from, , end] = span(node);
    let place = node.encoder ? ends.findIndex((taken) => taken <= from - 3) : Math.floor(seat.get(node) / columnsOf(node.begin));
    if (place < 0) place = ends.length;
    ends[place] = end;
    lane.set(node, place);
  });
  lanes[layer] = Math.max(1, ends.length);
}
const rowOf = (layer) => lanes[layer] * laneHeight + errorHeight;
// Encoder and decoder stand side by side: the decoder's rows begin where the encoder's end.
const encoderHeight = data.encoder_layers > 0 ? lanes.slice(0, data.encoder_layers).reduce((sum, _, layer) => sum + rowOf(layer), 0) : 0;
const decoderHeight = lanes.slice(data.encoder_layers).reduce((sum, _, i) => sum + rowOf(data.encoder_layers + i), 0);
const base = top + 34 + encoderHeight + decoderHeight;
const height = base + spectrogramHeight + massHeight + 60;
const floorOf = (layer) => {
  let y = base;
  for (let below = 0; below < layer; ++below) y -= rowOf(below);
  return y;
};
const yOf = (layer) => layer > layers ? top : floorOf(layer) - rowOf(layer) / 2;

const place = (node) => {
  if (node.kind === "padding") return [audioEnd + 22, base + 6];
  const x = across(node);
  if (node.kind === "frame" || node.kind === "token") return [x, base + 6];
  if (node.kind === "error") return [x, floorOf(node.layer) - errorHeight / 2];
  if (node.kind === "logit") return [tokensStart + (right - tokensStart) * (logits.indexOf(node) + 0.5) / logits.length, top];
  return [x, floorOf(node.layer) - errorHeight - (lane.get(node) + 0.5) * laneHeight];
};

const layerName = (layer) => layer > layers ? "logits"
  : layer >= data.encoder_layers ? "dec " + (layer - data.encoder_layers) : "enc " + layer;
const when = (node) => node.kind === "padding" ? "behind the audio"
  : node.encoder ? seconds(node.begin) + " to " + seconds(node.end)
  : "after token " + node.begin + " " + JSON.stringify(data.tokens[node.begin] ?? "");
const nameOf = (node) => node.kind === "feature"
  ? layerName(node.layer) + " #" + node.feature + (node.label ? " " + node.label : "")
  : node.kind === "logit" ? "output " + JSON.stringify(node.label)
  : node.kind === "error" ? layerName(node.layer) + " error"
  : node.kind === "token" ? "token " + JSON.stringify(data.tokens[node.begin] ?? "")
  : node.kind === "frame" ? "audio" : "padding";

const into = data.nodes.map(() => []), outOf = data.nodes.map(() => []);
data.edges.forEach((edge, i) => { outOf[edge[0]].push(i); into[edge[1]].push(i); });

const svg = s("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": data.target });

const drawFrame = () => {
  for (let layer = 0; layer < layers; ++layer) {
    const encoder = layer < data.encoder_layers;
    svg.append(s("rect", { class: layer % 2 ? "" : "band", fill: "#fff",
      x: encoder ? left : tokensStart - 8, y: floorOf(layer) - rowOf(layer),
      width: encoder ? audioEnd - left : right - tokensStart + 8, height: rowOf(layer) }));
    svg.append(s("text", { x: encoder ? left - 6 : tokensStart - 14, y: yOf(layer) + 4, "text-anchor": "end", class: "soft" }, layerName(layer)));
  }
  svg.append(s("text", { x: tokensStart - 14, y: top + 4, "text-anchor": "end", class: "soft" }, "logits"));
  svg.append(s("text", { x: audioEnd + 22, y: base + 26, "text-anchor": "middle", class: "soft" }, "padding"));
  const length = data.frames * data.seconds_per_frame;
  const step = length > 4 ? 0.5 : 0.1;
  let lastTick = -Infinity;
  for (let t = 0; t <= length + 1e-9; t += step) {
    const x = xOfFrame(t / data.seconds_per_frame);
    if (x - lastTick < 44) continue;
    lastTick = x;
    svg.append(s("line", { x1: x, x2: x, y1: base + spectrogramHeight + 12, y2: base + spectrogramHeight + 17, stroke: "#667085" }));
    svg.append(s("text", { x, y: base + spectrogramHeight + 29, "text-anchor": "middle", class: "soft" }, (+t.toFixed(2)) + " s"));
  }
  data.tokens.forEach((token, i) => {
    const x = xOfToken(i), y = base + 20;
    svg.append(s("text", { x, y, transform: `rotate(60 ${x} ${y})` }, short(token, 18)));
  });
  const largest = Math.max(...data.cross_mass, 1e-9);
  data.cross_mass.forEach((mass, frame) => svg.append(s("rect", { class: "mass", x: xOfFrame(frame), width: xOfFrame(frame + 1) - xOfFrame(frame),
    y: height - 2 - massHeight * mass / largest * 0.7, height: massHeight * mass / largest * 0.7 })));
  svg.append(s("text", { x: audioEnd + 6, y: height - 6, class: "soft" }, "where the last token looks (time is stretched where features are)"));
};

// Widths are relative: with a thousand sources even the largest gives a few per cent.
const largestShare = data.edges.reduce((most, edge) => Math.max(most, Math.abs(edge[3])), 1e-9);
const edgeNodes = data.edges.map(([source, target, weight, share]) => {
  const [x1, y1] = place(data.nodes[source]), [x2, y2] = place(data.nodes[target]);
  const bend = (y1 - y2) * 0.45;
  return s("path", { class: "edge " + (weight > 0 ? "up" : "down"),
    d: `M${x1} ${y1}C${x1} ${y1 - bend} ${x2} ${y2 + bend} ${x2} ${y2}`,
    style: `--strength:${(0.12 + 0.5 * Math.abs(share) / largestShare).toFixed(3)}`,
    "stroke-width": (0.5 + 4 * Math.sqrt(Math.abs(share) / largestShare)).toFixed(2) });
});

// Behind a crowd of thin lines nothing is seen: only the strongest are drawn until a node is held.
const strongest = new Set(data.edges.map((edge, i) => [Math.abs(edge[3]) * (0.02 + data.nodes[edge[1]].influence), i])
  .sort((a, b) => b[0] - a[0]).slice(0, 240).map((pair) => pair[1]));

const panel = h("div", { class: "panel" });
let held = -1;

const list = (title, edges, other) => {
  const rowsOf = edges.map((i) => data.edges[i]).sort((a, b) => Math.abs(b[2]) - Math.abs(a[2])).slice(0, 12)
    .map((edge) => {
      const node = data.nodes[edge[other]];
      const link = h("td", { class: "link" }, nameOf(node));
      link.addEventListener("click", () => hold(edge[other]));
      return h("tr", {}, link, h("td", {}, when(node)), h("td", { class: "number" }, edge[2].toFixed(3)));
    });
  return h("div", {}, h("h2", {}, title), h("table", {}, ...rowsOf));
};

const show = (index) => {
  edgeNodes.forEach((edge, i) => {
    const lit = index >= 0 && (data.edges[i][0] === index || data.edges[i][1] === index);
    edge.classList.toggle("lit", lit);
    edge.style.display = lit || strongest.has(i) ? "" : "none";
  });
  svg.classList.toggle("following", index >= 0);
  const near = new Set(index < 0 ? [] : [index, ...into[index].map((i) => data.edges[i][0]), ...outOf[index].map((i) => data.edges[i][1])]);
  circles.forEach((circle, i) => {
    circle.classList.toggle("near", near.has(i));
    circle.classList.toggle("held", i === held);
  });
  if (index < 0) {
    panel.replaceChildren(h("p", {}, "Hover a node to see what reaches it and what it reaches; click to hold it and follow its edges."));
    return;
  }
  const node = data.nodes[index];
  panel.replaceChildren(
    list(`${nameOf(node)}, ${when(node)}: from`, into[index], 0),
    list(`influence ${node.influence.toFixed(3)}` + (node.kind === "feature" ? `, activation ${node.activation.toFixed(2)}` : "") + ": to", outOf[index], 1));
};
const hold = (index) => { held = held === index ? -1 : index; show(held); };

const circles = data.nodes.map((node, i) => {
  const [x, y] = place(node), r = radius(node);
  const shape = node.kind === "feature" && node.encoder && node.end - node.begin > 1
    ? s("rect", { x: Math.min(x - r, xOfFrame(node.begin)), y: y - r * 0.7, rx: r * 0.7, height: 1.4 * r,
      width: Math.max(2 * r, xOfFrame(node.end) - xOfFrame(node.begin)) })
    : s("circle", { cx: x, cy: y, r });
  shape.setAttribute("class", "node " + node.kind);
  shape.append(s("title", {}, `${nameOf(node)}\n${when(node)}\ninfluence ${node.influence.toFixed(3)}`));
  shape.addEventListener("mouseenter", () => { if (held < 0) show(i); });
  shape.addEventListener("mouseleave", () => { if (held < 0) show(-1); });
  shape.addEventListener("click", (event) => { event.stopPropagation(); hold(i); });
  return shape;
});
svg.addEventListener("click", () => { held = -1; show(-1); });

const spectrogram = () => {
  const { columns, bins, values } = data.spectrogram, across = Math.round(audioEnd - left);
  const canvas = document.createElement("canvas");
  canvas.width = across; canvas.height = bins;
  const picture = canvas.getContext("2d"), pixels = picture.createImageData(across, bins);
  let frame = 0;
  for (let x = 0; x < across; ++x) for (let b = 0; b < bins; ++b) {
    while (frame + 1 < data.frames && frameX[frame + 1] <= left + x) ++frame;
    const inside = (left + x - frameX[frame]) / (frameX[frame + 1] - frameX[frame]);
    const c = Math.min(columns - 1, Math.floor((frame + Math.max(0, inside)) / data.frames * columns));
    const v = 255 - 255 * parseInt(values[c * bins + b], 36) / 35, at = 4 * ((bins - 1 - b) * across + x);
    pixels.data[at] = v; pixels.data[at + 1] = v; pixels.data[at + 2] = Math.min(255, v + 20); pixels.data[at + 3] = 255;
  }
  picture.putImageData(pixels, 0, 0);
  return s("image", { href: canvas.toDataURL(), x: left, y: base + 14, width: audioEnd - left, height: spectrogramHeight - 4, preserveAspectRatio: "none" });
};

drawFrame();
if (data.spectrogram.columns > 0) svg.append(spectrogram());
svg.append(...edgeNodes, ...circles);
// Features are named right of their place, where lanes leave room; outputs above theirs, where
// there is room.
data.nodes.forEach((node) => {
  if (node.kind !== "feature") return;
  const to = span(node)[1], y = place(node)[1];
  svg.append(s("text", { x: to + 4, y: y + 4, class: "name", "pointer-events": "none" }, caption(node)));
});
let taken = -Infinity;
logits.forEach((node) => {
  const half = 3.2 * caption(node).length, x = Math.min(place(node)[0], width - 4 - half);
  if (x - half < taken) return;
  taken = x + half + 4;
  svg.append(s("text", { x, y: place(node)[1] - 14, "text-anchor": "middle", "pointer-events": "none" }, caption(node)));
});

const number = (value) => value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential(1) : value.toFixed(3);
const key = h("p", { class: "key" });
for (const [name, colour] of [["feature", "#2f855a"], ["error", "#b7791f"], ["audio or token", "#8896ab"], ["output", "#5b3cc4"], ["raises", "#1f6feb"], ["lowers", "#d1453b"]]) {
  const dot = h("i", { style: `background:${colour}` });
  key.append(h("span", {}, dot, name));
}
document.getElementById("graph").append(
  h("h1", {}, data.target),
  h("p", {}, `${data.model}, ${data.audio}. ${data.shown_features} of ${data.kept_features} features that remain of ${data.explored} explored.`),
  h("p", {}, Object.entries(data.figures).map(([name, value]) => `${name} ${number(value)}`).join(" · ")),
  ...data.notes.map((note) => h("p", {}, note)),
  key, h("div", { class: "stage" }, svg), panel);
show(-1);
const stage = svg.parentElement;  // where all of it does not fit, the output first
stage.scrollLeft = stage.scrollWidth;
