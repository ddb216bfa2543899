// Draws the scene that Python has worked out, and tells Python where a marble has been moved to.
// No rule of event time is in this file.

const SVG = "http://www.w3.org/2000/svg";
const SIZE = 560;
const EDGE = 46;

function element(name, attributes, parent, text) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  parent.append(node);
  return node;
}

function paragraph(parent, role) {
  const node = document.createElement(role === "status" ? "p" : "pre");
  if (role === "status") {
    node.setAttribute("role", "status");
    node.setAttribute("aria-live", "polite");
  }
  parent.append(node);
  return node;
}

function axes(svg, x, y, span) {
  const ink = { stroke: "#333333", "stroke-width": 1 };
  element("line", { x1: x(0), y1: y(0), x2: x(span), y2: y(0), ...ink }, svg);
  element("line", { x1: x(0), y1: y(0), x2: x(0), y2: y(span), ...ink }, svg);
  const diagonal = { stroke: "#767676", "stroke-dasharray": "2 4" };
  element("line", { x1: x(0), y1: y(0), x2: x(span), y2: y(span), ...diagonal }, svg);
  for (let at = 0; at <= span; at += 5) {
    element("text", { x: x(at), y: y(0) + 16, "text-anchor": "middle" }, svg, at);
    element("text", { x: x(0) - 8, y: y(at) + 4, "text-anchor": "end" }, svg, at);
  }
  element("text", { x: x(span / 2), y: y(0) + 34, "text-anchor": "middle" }, svg, "event time (s)");
  const turned = { transform: `rotate(-90 14 ${y(span / 2)})`, "text-anchor": "middle" };
  element("text", { x: 14, y: y(span / 2), ...turned }, svg, "arrival (s)");
}

function hatches(svg) {
  const shapes = { fired: "M0 8L8 0", "re-fired": "M0 8L8 0M0 0L8 8" };
  const defs = element("defs", {}, svg);
  for (const [state, d] of Object.entries(shapes)) {
    const size = { width: 8, height: 8, patternUnits: "userSpaceOnUse" };
    const pattern = element("pattern", { id: `hatch-${state}`, ...size }, defs);
    element("rect", { width: 8, height: 8, fill: "#56B4E9", "fill-opacity": 0.14 }, pattern);
    element("path", { d, stroke: "#767676", "stroke-width": 0.6 }, pattern);
  }
}

const FILLS = { open: "#56B4E924", purged: "none" };

function windows(svg, x, y, boxes) {
  for (const box of boxes) {
    const [left, right, low, high] = [x(box.start), x(box.end), y(box.low), y(box.high)];
    const fill = FILLS[box.state] ?? `url(#hatch-${box.state})`;
    element("rect", { x: left, y: high, width: right - left, height: low - high, fill }, svg);
    const d = `M${right} ${low}H${left}V${high}H${right}`; // closed on the left, open on the right
    element("path", { d, fill: "none", stroke: "#555555" }, svg);
    element("text", { x: left + 4, y: low + 18, fill: "#555555" }, svg, box.name);
    const bold = { "text-anchor": "middle", "font-weight": "bold" };
    element("text", { x: (left + right) / 2, y: high + 14, ...bold }, svg, box.results);
  }
}

function watermark(svg, x, y, path, now) {
  if (!path.length) return;
  let d = "";
  for (const [at, mark] of path) d += `${d ? `V${y(at)}` : `M${x(0)} ${y(at)}`}H${x(mark)}`;
  d += `V${y(now)}`;
  element("path", { d, fill: "none", stroke: "#009E73", "stroke-width": 3 }, svg);
}

const SHAPES = {
  "on time": "M-8 0A8 8 0 1 0 8 0A8 8 0 1 0 -8 0",
  corrected: "M0 -9L9 7L-9 7Z",
  "partly late": "M0 9L9 -7L-9 -7Z",
  dropped: "M-8 -5L-5 -8L0 -3L5 -8L8 -5L3 0L8 5L5 8L0 3L-5 8L-8 5L-3 0Z",
};
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

function render({ model, el }) {
  const svg = element("svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, width: SIZE }, el);
  svg.setAttribute("font-family", "DejaVu Sans, sans-serif");
  svg.setAttribute("font-size", "12");
  svg.setAttribute("role", "group");
  svg.style.cssText = "max-width: 100%; background: white; touch-action: none";
  const sentence = paragraph(el, "status");
  const lines = paragraph(el, "text");
  lines.style.cssText = "white-space: pre; overflow-x: auto"; // columns of both lines belong together
  let held = null; // the marble under the pointer
  let focused = null; // the marble that the keyboard moves

  const span = () => model.get("scene").span;
  const x = (at) => EDGE + (at / span()) * (SIZE - 2 * EDGE);
  const y = (at) => SIZE - EDGE - (at / span()) * (SIZE - 2 * EDGE);

  function move(number, event, arrival) {
    const inside = (at, low) => Math.min(Math.max(Math.round(at), low), span());
    const marbles = model.get("marbles").map((marble) => ({ ...marble }));
    const happened = inside(event, 0);
    const arrived = inside(arrival, happened); // nothing arrives before it happens
    if (marbles[number].event === happened && marbles[number].arrival === arrived) return;
    Object.assign(marbles[number], { event: happened, arrival: arrived });
    model.set("marbles", marbles);
    model.save_changes();
  }

  function show(marble, mark, number) {
    const transform = `translate(${x(marble.event)} ${y(marble.arrival)})`;
    const group = element("g", { transform }, svg);
    const aria = { tabindex: 0, role: "button", "aria-label": mark.label, cursor: "grab" };
    for (const [key, value] of Object.entries(aria)) group.setAttribute(key, value);
    element("path", { d: SHAPES[mark.verdict], fill: mark.colour }, group);
    const halo = { stroke: "white", "stroke-width": 3, "paint-order": "stroke" };
    const word = mark.word || (mark.behind ? " behind W" : "");
    const text = `#${number + 1} ${marble.key}+${marble.value}${word}`;
    element("text", { x: 11, y: -3, ...halo }, group, text);
    group.addEventListener("pointerdown", (happening) => {
      held = focused = number;
      svg.setPointerCapture(happening.pointerId);
    });
    group.addEventListener("focus", () => (focused = number));
    group.addEventListener("blur", () => (focused = null));
    group.addEventListener("keydown", (happening) => {
      const step = MOVES[happening.key];
      if (!step) return;
      happening.preventDefault();
      happening.stopPropagation();
      move(number, marble.event + step[0], marble.arrival + step[1]);
    });
    if (number === focused) group.focus({ preventScroll: true });
  }

  function draw() {
    const scene = model.get("scene");
    const marbles = model.get("marbles");
    if (scene.marks.length !== marbles.length) return;
    const kept = focused; // taking the old marbles away takes the focus away
    svg.replaceChildren();
    focused = kept;
    svg.setAttribute("aria-label", scene.sentence);
    hatches(svg);
    axes(svg, x, y, scene.span);
    windows(svg, x, y, scene.windows);
    watermark(svg, x, y, scene.watermark, scene.now);
    marbles.forEach((marble, number) => show(marble, scene.marks[number], number));
    sentence.textContent = scene.sentence;
    lines.textContent = `in   ${scene.in}\nout  ${scene.out}`;
  }

  svg.addEventListener("pointermove", (happening) => {
    if (held === null) return;
    const place = new DOMPoint(happening.clientX, happening.clientY);
    const at = place.matrixTransform(svg.getScreenCTM().inverse());
    const scale = span() / (SIZE - 2 * EDGE);
    move(held, (at.x - EDGE) * scale, (SIZE - EDGE - at.y) * scale);
  });
  for (const name of ["pointerup", "pointercancel"]) {
    svg.addEventListener(name, () => (held = null));
  }
  model.on("change:scene", draw);
  draw();
  return () => model.off("change:scene", draw);
}

export default { render };
