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
const width = 1200, left = 46, audioEnd = 800, tokensStart = 840, right = 1190;
const rowHeight = 34, top = 56, spectrogramHeight = 90, massHeight = 22;
const layers = data.encoder_layers + data.decoder_layers;
const rows = layers + 1;  // and the logits
const base = top + rows * rowHeight;
const height = base + spectrogramHeight + massHeight + 44;
const yOf = (layer) => layer > layers ? top : base - (layer + 0.5) * rowHeight;
const xOfFrame = (frame) => left + (audioEnd - left) * frame / Math.max(1, data.frames);
const tokenWidth = (right - tokensStart) / Math.max(1, data.tokens.length);
const xOfToken = (token) => tokensStart + (token + 0.5) * tokenWidth;
const seconds = (frame) => (frame * data.seconds_per_frame).toFixed(2) + " s";

const logits = data.nodes.filter((node) => node.kind === "logit");
const place = (node) => {
  if (node.kind === "padding") return [audioEnd + 14, base + spectrogramHeight / 2];
  const x = node.encoder ? xOfFrame((node.begin + node.end) / 2) : xOfToken(node.begin);
  if (node.kind === "frame") return [x, base + 6];
  if (node.kind === "token") return [x, base + 6];
  if (node.kind === "error") return [x, yOf(node.layer) + rowHeight * 0.34];
  if (node.kind === "logit") return [tokensStart + (right - tokensStart) * (logits.indexOf(node) + 0.5) / logits.length, yOf(node.layer)];
  return [x, yOf(node.layer) - 2];
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
      x: encoder ? left : tokensStart - 20, y: yOf(layer) - rowHeight / 2,
      width: encoder ? audioEnd - left : right - tokensStart + 20, height: rowHeight }));
    svg.append(s("text", { x: encoder ? 2 : tokensStart - 58, y: yOf(layer) + 4, class: "soft" }, layerName(layer)));
  }
  svg.append(s("text", { x: tokensStart - 58, y: top + 4, class: "soft" }, "logits"));
  const length = data.frames * data.seconds_per_frame;
  const step = length > 12 ? 5 : length > 4 ? 1 : length > 1 ? 0.5 : 0.1;
  for (let t = 0; t <= length + 1e-9; t += step) {
    const x = xOfFrame(t / data.seconds_per_frame);
    svg.append(s("line", { x1: x, x2: x, y1: base + spectrogramHeight + 12, y2: base + spectrogramHeight + 17, stroke: "#667085" }));
    svg.append(s("text", { x, y: base + spectrogramHeight + 29, "text-anchor": "middle", class: "soft" }, (+t.toFixed(2)) + " s"));
  }
  data.tokens.forEach((token, i) => {
    const x = xOfToken(i), y = base + 20;
    const shown = token.length > 14 ? token.slice(0, 13) + "…" : token;
    svg.append(s("text", { x, y, transform: `rotate(60 ${x} ${y})` }, shown));
  });
  const largest = Math.max(...data.cross_mass, 1e-9), w = (audioEnd - left) / Math.max(1, data.frames);
  data.cross_mass.forEach((mass, frame) => svg.append(s("rect", { class: "mass", x: xOfFrame(frame), width: w,
    y: height - 2 - massHeight * mass / largest * 0.7, height: massHeight * mass / largest * 0.7 })));
  svg.append(s("text", { x: audioEnd + 6, y: height - 4, class: "soft" }, "where the last token looks"));
};

const edgeNodes = data.edges.map(([source, target, weight, share]) => {
  const [x1, y1] = place(data.nodes[source]), [x2, y2] = place(data.nodes[target]);
  const bend = (y1 - y2) * 0.45;
  return s("path", { class: "edge " + (weight > 0 ? "up" : "down"),
    d: `M${x1} ${y1}C${x1} ${y1 - bend} ${x2} ${y2 + bend} ${x2} ${y2}`,
    "stroke-width": Math.max(0.4, Math.min(5, 12 * Math.abs(share))) });
});

// Behind a crowd of thin lines nothing is seen: only the strongest are drawn until a node is held.
const strongest = new Set(data.edges.map((edge, i) => [Math.abs(edge[3]) * (0.02 + data.nodes[edge[1]].influence), i])
  .sort((a, b) => b[0] - a[0]).slice(0, 240).map((pair) => pair[1]));

const radius = (node) => node.kind === "feature" || node.kind === "logit"
  ? 3.5 + 7 * Math.sqrt(Math.min(1, node.influence * 4)) : 1.5 + 5 * Math.sqrt(Math.min(1, node.influence * 4));

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
  const { columns, bins, values } = data.spectrogram;
  const canvas = document.createElement("canvas");
  canvas.width = columns; canvas.height = bins;
  const picture = canvas.getContext("2d"), pixels = picture.createImageData(columns, bins);
  for (let c = 0; c < columns; ++c) for (let b = 0; b < bins; ++b) {
    const v = 255 - 255 * parseInt(values[c * bins + b], 36) / 35, at = 4 * ((bins - 1 - b) * columns + c);
    pixels.data[at] = v; pixels.data[at + 1] = v; pixels.data[at + 2] = Math.min(255, v + 20); pixels.data[at + 3] = 255;
  }
  picture.putImageData(pixels, 0, 0);
  return s("image", { href: canvas.toDataURL(), x: left, y: base + 14, width: audioEnd - left, height: spectrogramHeight - 4, preserveAspectRatio: "none" });
};

drawFrame();
if (data.spectrogram.columns > 0) svg.append(spectrogram());
svg.append(...edgeNodes, ...circles);
// Features named on the picture, the strongest first, where there is room.
const taken = [];
data.nodes.map((node, i) => [node, i]).filter(([node]) => node.kind === "feature" || node.kind === "logit")
  .sort((a, b) => b[0].influence - a[0].influence || b[0].probability - a[0].probability).forEach(([node]) => {
    const [x, y] = place(node), text = node.kind === "logit" ? node.label + " " + node.probability.toFixed(2) : "#" + node.feature + (node.label ? " " + node.label.slice(0, 18) : "");
    const box = [x - 3 * text.length, y - 24, x + 3 * text.length, y - 10];
    if (taken.some((b) => b[0] < box[2] && box[0] < b[2] && b[1] < box[3] && box[1] < b[3])) return;
    taken.push(box);
    svg.append(s("text", { x, y: y - 10, "text-anchor": x > right - 40 ? "end" : "middle", "pointer-events": "none" }, text));
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
