// Throughput over the last ten minutes, and sparklines.
const CHART_POINTS = 120;

/// The first of 1, 2, 5, 10, 20, 50... 500 KiB, MiB... that is not below `peak`.
function niceTop(peak) {
  let unit = 1;
  while (peak / unit > 500 && unit < 1024 ** 5) unit *= 1024;
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500].find((one) => peak <= one * unit) ?? 1024;
  return Math.max(step * unit, 1024);
}

class ThroughputChart {
  constructor(place, legend) {
    this.place = place;
    this.history = null;
    this.now = {down: 0, up: 0};
    this.pointedAt = null;
    this.values = {};
    for (const direction of ['down', 'up']) {
      this.values[direction] = {label: make('span'), value: make('span', {class: 'number'})};
      legend.append(make('span', {class: `key ${direction}`}, make('i'), this.values[direction].label, this.values[direction].value));
    }
    this.when = make('span', {class: 'when'});
    legend.append(this.when);
    this.svg = makeSvg('svg', {role: 'img'});
    this.grid = makeSvg('g', {class: 'grid'});
    this.areas = {down: makeSvg('path', {class: 'area down'}), up: makeSvg('path', {class: 'area up'})};
    this.lines = {down: makeSvg('path', {class: 'line down'}), up: makeSvg('path', {class: 'line up'})};
    this.mark = makeSvg('path', {class: 'mark'});
    this.svg.append(this.grid, this.areas.down, this.areas.up, this.lines.down, this.lines.up, this.mark);
    place.append(this.svg);
    place.addEventListener('pointermove', (event) => this.point(event));
    place.addEventListener('pointerleave', () => this.point(null));
    new ResizeObserver(() => this.draw()).observe(place);
  }

  setHistory(history) {
    this.history = history;
    this.draw();
  }

  setNow(down, up) {
    this.now = {down, up};
    this.sayValues();
  }

  get points() {
    return Math.min(this.history?.down.length ?? 0, this.history?.up.length ?? 0, CHART_POINTS);
  }

  point(event) {
    const points = this.points;
    this.pointedAt = null;
    if (event && points > 0) {
      const x = event.clientX - this.svg.getBoundingClientRect().left;
      const back = Math.round((this.right - x) / this.step);
      if (back >= 0 && back < points) this.pointedAt = back;
    }
    this.sayValues();
  }

  sayValues() {
    const back = this.pointedAt;
    const at = (direction) => this.history[direction].at(-1 - back);
    for (const direction of ['down', 'up']) {
      setText(this.values[direction].label, say(direction));
      setText(this.values[direction].value, rateText(back === null ? this.now[direction] : at(direction)));
    }
    setText(this.when, back === null ? say('now') : say('ago', durationText(back * this.history.interval_seconds)));
    setAttribute(this.mark, 'd', back === null ? null : `M${this.right - back * this.step} ${this.top}V${this.bottom}`);
  }

  draw() {
    const width = Math.floor(this.place.clientWidth);
    const height = Math.floor(this.place.clientHeight);
    if (width === 0) return;
    this.top = 10;
    this.bottom = height - 22;
    this.left = 0;
    this.right = width - 74;
    this.step = (this.right - this.left) / (CHART_POINTS - 1);
    setAttribute(this.svg, 'width', width);
    setAttribute(this.svg, 'height', height);
    const points = this.points;
    const series = (direction) => this.history[direction].slice(-points);
    const peaks = {down: 0, up: 0};
    for (const direction of ['down', 'up']) {
      if (points > 0) peaks[direction] = Math.max(...series(direction));
    }
    const top = niceTop(Math.max(peaks.down, peaks.up));
    this.drawGrid(top);
    for (const direction of ['down', 'up']) {
      const line = points === 0 ? '' : series(direction).map((rate, at) => {
        const x = this.right - (points - 1 - at) * this.step;
        const y = this.bottom - (rate / top) * (this.bottom - this.top);
        return `${x.toFixed(1)} ${y.toFixed(1)}`;
      }).join('L');
      setAttribute(this.lines[direction], 'd', line && `M${line}`);
      setAttribute(this.areas[direction], 'd', line &&
        `M${(this.right - (points - 1) * this.step).toFixed(1)} ${this.bottom}L${line}V${this.bottom}Z`);
    }
    setAttribute(this.svg, 'aria-label', points === 0 ? say('noHistory') : say('chartSummary',
      rateText(this.now.down), rateText(peaks.down), rateText(this.now.up), rateText(peaks.up)));
    this.sayValues();
  }

  drawGrid(top) {
    const interval = this.history?.interval_seconds ?? 5;
    const parts = [];
    for (const share of [0, 0.5, 1]) {
      const y = Math.round(this.bottom - share * (this.bottom - this.top)) + 0.5;
      parts.push(makeSvg('path', {d: `M${this.left} ${y}H${this.right}`}));
      parts.push(makeSvg('text', {x: this.right + 8, y: y + 4}, share === 0 ? '0' : roundRateText(top * share)));
    }
    const span = (CHART_POINTS - 1) * interval;
    for (let minutes = 0; minutes * 60 <= span + interval; minutes += this.right < 420 ? 5 : 2) {
      const x = Math.max(this.left, this.right - (minutes * 60 / interval) * this.step);
      const anchor = minutes === 0 ? 'end' : x < 24 ? 'start' : 'middle';
      parts.push(makeSvg('path', {d: `M${x.toFixed(1)} ${this.bottom}v4`}));
      parts.push(makeSvg('text', {x: x.toFixed(1), y: this.bottom + 17, 'text-anchor': anchor},
        minutes === 0 ? say('now') : `−${minutes} min`));
    }
    this.grid.replaceChildren(...parts);
  }
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : Math.round((sorted[middle - 1] + sorted[middle]) / 2);
}

/// A line of up to 60 numbers, the last one at the right.
function drawSparkline(svg, numbers) {
  const width = 120;
  const height = 28;
  const top = Math.max(...numbers, 1);
  const step = (width - 6) / 59;
  const at = (value, back) => `${(width - 3 - back * step).toFixed(1)} ${(height - 3 - (value / top) * (height - 6)).toFixed(1)}`;
  const line = numbers.map((value, index) => at(value, numbers.length - 1 - index)).join('L');
  const last = at(numbers.at(-1), 0).split(' ');
  svg.replaceChildren(makeSvg('path', {class: 'base', d: `M0 ${height - 2.5}H${width}`}), makeSvg('path', {class: 'line', d: `M${line}`}),
    makeSvg('circle', {cx: last[0], cy: last[1], r: 2.5}));
}
