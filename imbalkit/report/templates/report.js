"use strict";
(() => {
  document.documentElement.classList.add("scripted");
  const byId = (id) => document.getElementById(id);

  // The table of contents marks the section that is read.
  const links = new Map([...document.querySelectorAll("nav.contents a")].map((a) => [a.hash.slice(1), a]));
  const sections = [...document.querySelectorAll("main > section")];
  const mark = () => {
    const current = sections.filter((s) => s.getBoundingClientRect().top < 160).pop() ?? sections[0];
    for (const [id, link] of links) {
      if (current && id === current.id) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  };
  let waiting = false;
  addEventListener("scroll", () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; mark(); });
  }, { passive: true });
  mark();

  // Folded parts are printed, too.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("main details:not([open])")].filter((d) => !d.hasAttribute("data-no-print"));
    for (const d of opened) d.open = true;
  });
  addEventListener("afterprint", () => { for (const d of opened) d.open = false; });

  const source = byId("threshold-data");
  if (!source) return;

  // --- operating points -----------------------------------------------------------------------------------------------
  const data = JSON.parse(source.textContent);
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;
  const thresholds = new Float64Array(bytes(data.thresholds)); // falling
  const hits = new Uint32Array(bytes(data.hits));
  const alarms = new Uint32Array(bytes(data.alarms));
  const z = quantile((1 + data.level) / 2);

  // Counts of rows at or above t: those of the last threshold that is not below t.
  function counts(t) {
    let low = 0, high = thresholds.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (thresholds[middle] >= t) low = middle + 1; else high = middle;
    }
    return low ? [hits[low - 1], alarms[low - 1]] : [0, 0];
  }

  // Quantile of the standard normal distribution by bisection on its error function.
  function quantile(p) {
    let low = -10, high = 10;
    for (let i = 0; i < 80; i++) {
      const middle = (low + high) / 2;
      if (normal(middle) < p) low = middle; else high = middle;
    }
    return (low + high) / 2;
  }
  function normal(x) { // by its power series, exact to rounding for |x| < 6
    let term = x, sum = x;
    for (let n = 1; n < 200 && Math.abs(term) > 1e-17; n++) { term *= (x * x) / (2 * n + 1); sum += term; }
    return 0.5 + sum * Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
  }

  function wilson(k, n) {
    if (!n) return null;
    const p = k / n, middle = (k + (z * z) / 2) / (n + z * z);
    const half = (z * Math.sqrt(p * (1 - p) * n + (z * z) / 4)) / (n + z * z);
    return [k === 0 ? 0 : middle - half, k === n ? 1 : middle + half];
  }

  // Logit interval of a predictive value: of odds a / b with the variance of its logarithm. One half is added to each cell
  // where one is empty.
  function logit(odds, variance) {
    const centre = Math.log(odds), half = z * Math.sqrt(variance);
    return [1 / (1 + Math.exp(-(centre - half))), 1 / (1 + Math.exp(-(centre + half)))];
  }
  function predictive(tp, fp, share) {
    const fn = data.positives - tp, tn = data.others - fp;
    const se = tp / data.positives, sp = tn / data.others;
    const ppv = (se * share) / (se * share + (1 - sp) * (1 - share));
    const npv = (sp * (1 - share)) / (sp * (1 - share) + (1 - se) * share);
    const add = tp && fp && fn && tn ? 0 : 0.5;
    const [a, b, c, d] = [tp + add, fp + add, fn + add, tn + add];
    const [s, r] = [a / (a + c), d / (b + d)];
    const vs = (1 - s) / (s * (a + c)), vr = r / ((1 - r) * (b + d));
    const ws = s / ((1 - s) * (a + c)), wr = (1 - r) / (r * (b + d));
    return {
      ppv, npv,
      ppvRange: logit((s * share) / ((1 - r) * (1 - share)), vs + vr),
      npvRange: logit((r * (1 - share)) / ((1 - s) * share), ws + wr),
    };
  }

  // --- what is shown ----------------------------------------------------------------------------------------------------
  const thin = "\u202f";
  // What is not 0 is not shown as 0: two digits then (as imbalkit.base.text does).
  const figure = (x, digits) => x > 1e-9 && Number(x.toFixed(digits)) === 0 ? String(Number(x.toPrecision(2))) : x.toFixed(digits);
  const percent = (x, digits = 1) => Number.isFinite(x) ? `${figure(100 * x, digits)}${thin}%` : "n/a";
  const range = (r) => r ? `${(100 * r[0]).toFixed(1)} to ${percent(r[1])}` : "";
  const whole = (n) => n.toLocaleString("en-US");
  const put = (id, text) => { byId(id).textContent = text; };

  const slider = byId("threshold-slider"), value = byId("threshold-value"), prevalence = byId("prevalence-value");
  const testShare = data.positives / (data.positives + data.others);
  let threshold = data.chosen ?? 0.5, share = testShare;

  // Stops of the slider, evenly along the ROC curve: from predicting all positive (left) to none (right).
  const steps = Number(slider.max);
  const stops = [];
  for (let step = 0, at = thresholds.length - 1; step < steps; step++) {
    const rest = 2 * (1 - step / steps);
    while (at > 0 && hits[at] / data.positives + alarms[at] / data.others > rest + 1e-12) at--;
    stops.push(thresholds[at]);
  }
  stops.push((thresholds[0] + 1) / 2);

  const place = (t) => { // the stop that is nearest in counts
    const [h, a] = counts(t);
    const rest = h / data.positives + a / data.others;
    return Math.max(0, Math.min(steps, Math.round(steps * (1 - rest / 2))));
  };

  const svg = "http://www.w3.org/2000/svg";
  const add = (chart, tag, attributes) => {
    const node = document.createElementNS(svg, tag);
    for (const [name, item] of Object.entries(attributes)) node.setAttribute(name, item);
    chart.append(node);
    return node;
  };
  const roc = byId("threshold-roc"), scores = byId("threshold-scores");
  const box = (chart) => chart.dataset.plot.split(" ").map(Number);
  const dot = add(roc, "circle", { r: 5.5, class: "marker" });
  const line = add(scores, "line", { class: "marker" });

  let pending = 0;
  function show(t, { announce = true, typed = false } = {}) {
    threshold = t;
    const [tp, fp] = counts(t);
    const fn = data.positives - tp, tn = data.others - fp;
    const recall = tp / data.positives, spared = tn / data.others;
    if (!typed) value.value = Number(t.toPrecision(4));
    slider.value = place(t);
    const summary = `threshold ${Number(t.toPrecision(4))}: recall of ${data.positive} ${percent(recall)}, of ${data.other} ${percent(spared)}`;
    slider.setAttribute("aria-valuetext", summary);
    for (const [id, n, total] of [["t-hits", tp, data.positives], ["t-misses", fn, data.positives], ["t-alarms", fp, data.others], ["t-passes", tn, data.others]]) {
      put(id, whole(n));
      byId(id).style.setProperty("--share", n / total);
    }
    put("t-recall", percent(recall)); put("t-recall-ci", range(wilson(tp, data.positives)));
    put("t-spec", percent(spared)); put("t-spec-ci", range(wilson(tn, data.others)));
    const [x0, x1, y0, y1] = box(roc);
    dot.setAttribute("cx", x0 + (x1 - x0) * (1 - spared));
    dot.setAttribute("cy", y0 + (y1 - y0) * recall);
    const [s0, s1, , top] = box(scores), bottom = 2 * box(scores)[2] - top;
    for (const [name, item] of [["x1", s0 + (s1 - s0) * t], ["x2", s0 + (s1 - s0) * t], ["y1", top], ["y2", bottom]]) line.setAttribute(name, item);

    if (share > 0 && share < 1) {
      const found = predictive(tp, fp, share);
      const predicted = tp + fp > 0, spare = fn + tn > 0;
      put("t-ppv", predicted ? percent(found.ppv) : "n/a"); put("t-ppv-ci", predicted ? range(found.ppvRange) : "");
      put("t-npv", spare ? percent(found.npv, 2) : "n/a");
      put("t-npv-ci", spare ? `${(100 * found.npvRange[0]).toFixed(2)} to ${percent(found.npvRange[1], 2)}` : "");
      put("t-nnb", predicted && found.ppv > 0 ? (1 / found.ppv).toFixed(1) : "n/a");
      put("t-nnb-ci", predicted ? `${(1 / found.ppvRange[1]).toFixed(1)} to ${(1 / found.ppvRange[0]).toFixed(1)}` : "");
      const of = share >= 0.01 ? 1000 : share >= 0.001 ? 10000 : 100000;
      const sick = Math.round(share * of), right = Math.round(sick * recall), wrong = Math.round((of - sick) * (1 - spared));
      put("t-natural", `Of ${whole(of)} rows, ${whole(sick)} are ${data.positive}. ${whole(right + wrong)} are predicted ${data.positive}: ` +
        `${whole(right)} correctly, ${whole(wrong)} are false alarms. ${whole(sick - right)} rows of ${data.positive} are missed.`);
    } else {
      for (const id of ["t-ppv", "t-npv", "t-nnb"]) { put(id, "n/a"); put(`${id}-ci`, ""); }
      put("t-natural", `Give a prevalence between 0 and 100${thin}%.`);
    }
    clearTimeout(pending);
    if (announce) pending = setTimeout(() => put("threshold-status", summary), 500);
  }

  const asTested = () => { share = testShare; prevalence.value = Number((100 * share).toPrecision(4)); };
  slider.addEventListener("input", () => show(stops[Number(slider.value)]));
  value.addEventListener("input", () => {
    const t = Number(value.value);
    if (value.value !== "" && t >= 0 && t <= 1) show(t, { typed: true });
  });
  value.addEventListener("change", () => show(threshold));
  prevalence.addEventListener("input", () => { share = Number(prevalence.value) / 100; show(threshold, { typed: true }); });
  byId("threshold-chosen").addEventListener("click", () => show(data.chosen ?? 0.5));
  byId("threshold-half").addEventListener("click", () => show(0.5));
  byId("prevalence-test").addEventListener("click", () => { asTested(); show(threshold); });
  asTested();
  show(threshold, { announce: false });
})();
