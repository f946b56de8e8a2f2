// The table of tunnels. It has elements for the rows in view only, and asks the proxy for those and a few around them.
/// `descends`: at the first click, for what is most or worst.
const COLUMNS = [
  {key: 'target', word: 'target'},
  {key: 'client', word: 'client'},
  {key: 'upstream', word: 'upstream'},
  {key: 'state', word: 'state', descends: true},  // Stalled ones first.
  {key: 'rate', word: 'rate', descends: true},
  {key: 'bytes', word: 'bytes', descends: true},
  {key: 'quiet', word: 'quiet', descends: true},
  {key: 'age', word: 'age', descends: true},
];
const TUNNEL_STATES = {connecting: 'connectingTunnel', quiet: 'quietTunnel'};
const ROWS_BEYOND = 12;   // Above and below of those in view.
const LEAST_ROWS = 50;
const HELD_SHOWN = 5;

class TunnelTable {
  /// `onAsk()`: other rows are wanted than those of the last answer.
  constructor({onAsk, onDetails, onEnd}) {
    Object.assign(this, {onAsk, onDetails, onEnd});
    this.scroller = byId('scroller');
    this.body = byId('rows');
    this.sort = '-rate';
    this.filter = '';
    this.total = null;
    this.matching = 0;
    this.places = new Map();   // From the place in the order to the tunnel's id.
    this.tunnels = new Map();  // By id.
    this.answered = null;      // The query that the rows are from.
    this.missed = [];          // Ids of rows in view that were not in its answer.
    this.actionsAllowed = false;
    this.isPointedAt = false;
    this.spacers = [make('tr', {class: 'spacer', 'aria-hidden': true}), make('tr', {class: 'spacer', 'aria-hidden': true})];
    this.makeColumns();
    this.scroller.addEventListener('scroll', () => this.scrolled(), {passive: true});
    this.body.addEventListener('pointerenter', (event) => this.pointTo(event.pointerType === 'mouse'));
    this.body.addEventListener('pointerleave', () => this.pointTo(false));
    this.scroller.addEventListener('focusin', () => this.sayOrder());
    this.scroller.addEventListener('focusout', () => setTimeout(() => this.sayOrder()));
    new ResizeObserver(() => this.show()).observe(this.scroller);
  }

  makeColumns() {
    this.heads = COLUMNS.map((column) => {
      const button = make('button', {type: 'button'}, make('span'), make('i', {'aria-hidden': true}));
      button.addEventListener('click', () => this.sortBy(column));
      const head = make('th', {role: 'columnheader', scope: 'col', class: `c-${column.key}`}, button);
      byId('columns').append(head);
      return {column, head, button};
    });
    this.endHead = make('td', {role: 'cell', class: 'c-end'});
    byId('columns').append(this.endHead);
  }

  sayColumns() {
    for (const {column, head, button} of this.heads) {
      const isSorted = this.sort.replace('-', '') === column.key;
      setText(button.firstChild, say(column.word));
      setAttribute(head, 'aria-sort', isSorted ? (this.sort.startsWith('-') ? 'descending' : 'ascending') : null);
    }
    this.endHead.hidden = !this.actionsAllowed;
  }

  sortBy({key, descends}) {
    const first = descends ? `-${key}` : key;
    const second = descends ? key : `-${key}`;
    this.sort = this.sort === first ? second : first;
    this.sayColumns();
    this.startAgain();
  }

  filterBy(text) {
    this.filter = text;
    this.startAgain();
  }

  startAgain() {
    this.places.clear();
    this.answered = null;
    this.scroller.scrollTop = 0;
    this.onAsk();
  }

  /// Another proxy: its ids mean other tunnels.
  forget() {
    this.tunnels.clear();
    this.startAgain();
  }

  allowActions(allowed) {
    if (this.actionsAllowed === allowed) return;
    this.actionsAllowed = allowed;
    this.sayColumns();
    this.show();
  }

  pointTo(isPointedAt) {
    this.isPointedAt = isPointedAt;
    this.sayOrder();
  }

  /// Rows stay where they are while somebody is about to use one.
  get keepsOrder() {
    return this.answered !== null && (this.isPointedAt || this.body.contains(document.activeElement));
  }

  sayOrder() {
    // Its room is kept: nothing moves for it.
    byId('order-kept').style.visibility = this.keepsOrder ? 'visible' : 'hidden';
  }

  get rowHeight() {
    return parseFloat(getComputedStyle(this.scroller).getPropertyValue('--row')) || 36;
  }

  /// The places in view: [first, end).
  get view() {
    const head = this.body.offsetTop;
    const top = Math.max(0, this.scroller.scrollTop - head);
    const first = Math.max(0, Math.floor(top / this.rowHeight) - ROWS_BEYOND);
    const rows = Math.ceil(this.scroller.clientHeight / this.rowHeight) + 2 * ROWS_BEYOND;
    return [first, Math.min(this.matching, first + rows)];
  }

  /// What to ask the proxy for now.
  query() {
    const [first, end] = this.view;
    const limit = Math.min(500, Math.max(LEAST_ROWS, end - first));
    const offset = Math.max(0, first - Math.floor((limit - (end - first)) / 2));
    return {limit, offset, sort: this.sort, filter: this.filter};
  }

  take(answer, query) {
    if (query.sort !== this.sort || query.filter !== this.filter) return;
    const isKept = this.keepsOrder;
    const isComplete = answer.offset === 0 && answer.matching <= answer.tunnels.length;
    this.total = answer.total;
    const placed = new Set(isKept ? this.places.values() : []);
    if (!isKept) {
      this.places.clear();
      this.tunnels.clear();
      this.matching = answer.matching;
    }
    this.missed = [];
    const found = new Set();
    const others = [];
    for (const tunnel of answer.tunnels) {
      found.add(tunnel.id);
      this.tunnels.set(tunnel.id, tunnel);
      if (!placed.has(tunnel.id)) others.push(tunnel.id);
    }
    if (isKept) this.placeBeside(answer, others, found, isComplete);
    else others.forEach((id, at) => this.places.set(answer.offset + at, id));
    this.answered = query;
    this.show();
  }

  /// While the order is kept: others only where nothing is yet. What is not in the answer has ended, or is now among the
  /// many that were not asked for.
  placeBeside(answer, others, found, isComplete) {
    const [first, end] = this.view;
    for (const [at, id] of this.places) {
      const tunnel = this.tunnels.get(id);
      if (!tunnel || found.has(id) || tunnel.state === 'ended') continue;
      if (isComplete) this.tunnels.set(id, endedTunnel(tunnel));
      else if (at >= first && at < end) this.missed.push(id);
      else this.tunnels.set(id, {...tunnel, isOld: true});
    }
    for (let at = answer.offset; others.length > 0 && at < answer.offset + answer.tunnels.length; ++at) {
      if (!this.places.has(at)) this.places.set(at, others.shift());
    }
    this.matching = Math.max(answer.matching, ...[...this.places.keys()].map((at) => at + 1));
  }

  /// What was asked for by `ids`; `tunnels` is undefined where no answer came.
  takeMissed(tunnels, ids) {
    const found = new Map(tunnels?.map((tunnel) => [tunnel.id, tunnel]));
    for (const id of ids) {
      const before = this.tunnels.get(id);
      if (before) this.tunnels.set(id, found.get(id) ?? (tunnels ? endedTunnel(before) : {...before, isOld: true}));
    }
    this.show();
  }

  scrolled() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.show();
      const [first, end] = this.view;
      for (let at = first; at < end; ++at) {
        if (this.tunnels.get(this.places.get(at))?.isOld ?? true) return this.onAsk();
      }
    });
  }

  show() {
    if (this.total === null) return;
    const [first, end] = this.view;
    const rows = [];
    for (let at = first; at < end; ++at) rows.push({at, tunnel: this.tunnels.get(this.places.get(at))});
    const focused = this.body.contains(document.activeElement);
    const [above, below] = this.spacers;
    above.style.height = `${first * this.rowHeight}px`;
    below.style.height = `${(this.matching - end) * this.rowHeight}px`;
    reconcile(this.body, [{spacer: above}, ...rows, {spacer: below}],
      ({spacer, at, tunnel}) => spacer ?? (tunnel ? tunnel.id : `place ${at}`),
      ({spacer}) => spacer ?? this.createRow(), (row, {spacer, at, tunnel}) => spacer || this.updateRow(row, at, tunnel));
    // A row that was scrolled away takes the focus with it.
    if (focused && !this.body.contains(document.activeElement)) this.scroller.focus({preventScroll: true});
    setAttribute(byId('table'), 'aria-rowcount', this.matching + 1);
    this.sayCount();
    this.sayOrder();
  }

  sayCount() {
    const isFiltered = this.filter !== '';
    setText(byId('tunnel-count'), isFiltered ? say('countMatching', wholeNumber(this.matching), wholeNumber(this.total))
      : say('countAll', wholeNumber(this.total)));
    const nothing = byId('no-tunnels');
    nothing.hidden = this.matching > 0;
    setText(nothing, isFiltered ? say('noMatch', visibleSentence(this.filter)) : say('noTunnels'));
  }

  createRow() {
    const row = make('tr', {role: 'row'});
    const cell = (key, ...children) => make('td', {role: 'cell', class: `c-${key}`}, ...children);
    const number = (className) => make('span', {class: `number ${className}`});
    row.parts = {
      target: make('button', {type: 'button', class: 'name'}, make('bdi')), client: make('bdi'), upstream: make('bdi'),
      state: make('span', {class: 'badge'}), rateDown: number('down'), rateUp: number('up'), bytesDown: number('down'),
      bytesUp: number('up'), quiet: number(''), age: number(''), end: make('button', {type: 'button'}),
    };
    const {target, client, upstream, state, rateDown, rateUp, bytesDown, bytesUp, quiet, age, end} = row.parts;
    row.endCell = cell('end', end);
    row.append(cell('target', target), cell('client', client), cell('upstream', upstream), cell('state', state),
      cell('rate', rateDown, rateUp), cell('bytes', bytesDown, bytesUp), cell('quiet', quiet), cell('age', age), row.endCell);
    target.addEventListener('click', () => row.tunnel && this.onDetails(row.tunnel));
    end.addEventListener('click', () => row.tunnel?.state !== 'ended' && this.onEnd(row.tunnel));
    return row;
  }

  updateRow(row, at, tunnel) {
    row.tunnel = tunnel;
    setAttribute(row, 'aria-rowindex', at + 2);
    row.endCell.hidden = !this.actionsAllowed;
    const {parts} = row;
    parts.target.hidden = parts.end.hidden = parts.state.hidden = !tunnel;
    if (!tunnel) return;
    setAttribute(row, 'data-state', tunnel.state);
    setAttribute(row, 'class', tunnel.isOld ? 'old' : null);
    const target = targetText(tunnel);
    setText(parts.target.firstChild, target);
    setAttribute(parts.target, 'title', target);
    setAttribute(parts.target, 'aria-label', say('detailsOf', target));
    setName(parts.client, tunnel.user === null ? tunnel.client : `${tunnel.user}@${tunnel.client}`);
    setName(parts.upstream, tunnel.upstream ?? (tunnel.stage === 'route' ? '–' : say('direct')));
    setText(parts.state, tunnelStateText(tunnel));
    setAttribute(parts.state, 'data-state', tunnel.state);
    setAttribute(parts.state, 'title', tunnel.stall ? visibleSentence(tunnel.stall.text) : null);
    setText(parts.rateDown, tunnel.rate_down === null ? '–' : rateText(tunnel.rate_down));
    setText(parts.rateUp, tunnel.rate_up === null ? '–' : rateText(tunnel.rate_up));
    setText(parts.bytesDown, byteText(tunnel.bytes_down));
    setText(parts.bytesUp, byteText(tunnel.bytes_up));
    setText(parts.quiet, quietText(tunnel));
    setText(parts.age, durationText(tunnel.age_seconds));
    // Said with the number where there are no columns.
    setAttribute(parts.age.parentNode, 'data-name', say('age'));
    setText(parts.end, say('end'));
    setAttribute(parts.end, 'aria-label', say('endOf', target));
    // Not disabled: that would take the focus away.
    setAttribute(parts.end, 'aria-disabled', tunnel.state === 'ended' ? 'true' : null);
  }

  takeHeld(tunnels) {
    this.held = tunnels;
    this.showHeld();
  }

  showHeld() {
    const held = this.held ?? [];
    byId('held').hidden = held.length === 0;
    const lines = held.slice(0, HELD_SHOWN).map((tunnel) => ({id: tunnel.id, text: say('heldLine', visibleText(tunnel.target),
      visibleText(tunnel.client), durationText(tunnel.age_seconds))}));
    if (held.length > HELD_SHOWN) lines.push({id: 'more', text: say('heldMore', held.length - HELD_SHOWN)});
    reconcile(byId('held-list'), lines, (line) => line.id, () => make('li'), (item, line) => setText(item, line.text));
  }

  sayAgain() {
    this.sayColumns();
    this.show();
    this.showHeld();
  }
}

function endedTunnel(tunnel) {
  return {...tunnel, state: 'ended', rate_up: 0, rate_down: 0, stall: null, isOld: false};
}

/// The state, and of a tunnel that does not move who is to blame, and since when.
function tunnelStateText({state, stall}) {
  if (state === 'stalled' && stall) return `${say(`${stall.side}.${stall.what}`)} · ${durationText(stall.seconds)}`;
  return say(TUNNEL_STATES[state] ?? state);
}

/// Who has not asked yet has none.
function targetText({target}) {
  return target === '' ? '–' : visibleText(target);
}

function quietText({quiet_seconds: seconds}) {
  return seconds < 2 ? say('justNow') : say('ago', durationText(seconds));
}
