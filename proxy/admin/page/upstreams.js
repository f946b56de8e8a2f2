// One card for each upstream.
const UPSTREAM_STATES = {up: 'stateUp', unknown: 'stateUnknown', down: 'stateDown', marked_down: 'stateMarkedDown'};

class UpstreamCards {
  constructor(onMark) {
    this.onMark = onMark;
    this.upstreams = null;
    this.actionsAllowed = false;
  }

  take(upstreams) {
    this.upstreams = upstreams;
    this.show();
  }

  allowActions(allowed) {
    if (this.actionsAllowed === allowed) return;
    this.actionsAllowed = allowed;
    this.show();
  }

  show() {
    if (!this.upstreams) return;
    reconcile(byId('upstream-list'), this.upstreams, (upstream) => upstream.name, () => this.create(), (card, upstream) =>
      this.update(card, upstream));
    byId('no-upstreams').hidden = this.upstreams.length > 0;
    setText(byId('no-upstreams'), say('noUpstreams'));
  }

  create() {
    const card = make('li', {class: 'card'});
    card.parts = {
      name: make('bdi', {class: 'name'}), badge: make('span', {class: 'badge'}), tag: make('span', {class: 'tag'}),
      label: make('bdi', {class: 'address'}), reason: make('p', {class: 'reason', lang: 'en'}), notes: make('p', {class: 'notes'}),
      spark: makeSvg('svg', {class: 'spark', role: 'img', viewBox: '0 0 120 28'}), connect: make('span', {class: 'number'}),
      typical: make('span', {class: 'faint'}), facts: make('dl'), mark: make('button', {type: 'button'}),
    };
    const {name, badge, tag, label, reason, notes, spark, connect, typical, facts, mark} = card.parts;
    card.append(make('div', {class: 'title'}, make('h3', {}, name), badge, mark), make('p', {class: 'where'}, label, tag), reason, notes,
      make('div', {class: 'latency'}, spark, make('p', {}, connect, typical)), facts);
    mark.addEventListener('click', () => this.onMark(card.upstream));
    return card;
  }

  update(card, upstream) {
    card.upstream = upstream;
    const {parts} = card;
    setAttribute(card, 'data-state', upstream.state);
    setName(parts.name, upstream.name);
    setName(parts.label, upstream.label);
    setText(parts.badge, say(UPSTREAM_STATES[upstream.state] ?? upstream.state));
    setAttribute(parts.badge, 'data-state', upstream.state);
    parts.tag.hidden = !upstream.default_route;
    setText(parts.tag, say('defaultRoute'));
    parts.reason.hidden = !upstream.reason;
    setText(parts.reason, upstream.reason ? visibleSentence(upstream.reason) : '');
    const notes = this.notes(upstream);
    parts.notes.hidden = notes.length === 0;
    setText(parts.notes, notes.join(' · '));
    this.updateLatency(parts, upstream.connect_ms);
    const {attempts} = upstream;
    const facts = [
      ['cardTunnels', wholeNumber(upstream.tunnels)],
      ['cardConnected', wholeNumber(attempts.connected)],
      ['cardFailed', wholeNumber(attempts.refused + attempts.failed + attempts.unanswered)],
      ['cardMoved', `${byteText(upstream.bytes_down)} / ${byteText(upstream.bytes_up)}`],
    ];
    if (upstream.warm_wanted > 0) facts.splice(3, 0, ['cardWarm', `${upstream.warm_ready}/${upstream.warm_wanted}`]);
    showFacts(parts.facts, facts);
    const isMarked = upstream.state === 'marked_down';
    parts.mark.hidden = !this.actionsAllowed;
    setText(parts.mark, say(isMarked ? 'markUp' : 'markDown'));
    setAttribute(parts.mark, 'aria-label', say(isMarked ? 'markUpOf' : 'markDownOf', visibleText(upstream.name)));
  }

  notes(upstream) {
    const notes = [];
    if (upstream.down_seconds !== null) notes.push(say('downFor', durationText(upstream.down_seconds)));
    if (upstream.breaker === 'open') notes.push(say('breakerOpen'));
    if (upstream.breaker === 'half_open') notes.push(say('breakerHalfOpen'));
    if (upstream.probe === 'failed') notes.push(say('probeFailed'));
    if (upstream.false_successes > 0) notes.push(say('falseSuccesses', wholeNumber(upstream.false_successes)));
    return notes;
  }

  updateLatency(parts, times) {
    setAttribute(parts.spark, 'hidden', times.length === 0);
    parts.connect.hidden = times.length === 0;
    if (times.length === 0) {
      setText(parts.typical, say('noConnects'));
      return;
    }
    drawSparkline(parts.spark, times);
    const last = say('milliseconds', times.at(-1));
    const middle = median(times);
    setAttribute(parts.spark, 'aria-label',
      say('connectSummary', last, say('milliseconds', middle), times.length, say('milliseconds', Math.max(...times))));
    setText(parts.connect, last);
    setText(parts.typical, say('median', middle));
  }
}

/// Pairs of a word and a value, as a <dl>.
function showFacts(list, facts) {
  reconcile(list, facts, ([word]) => word, () => make('div', {}, make('dt'), make('dd', {class: 'number'})), (node, [word, value]) => {
    setText(node.firstChild, say(word));
    setText(node.lastChild, value);
  });
}

/// What the proxy says, with foreign names in it: spaces stay.
function visibleSentence(text) {
  return String(text).split(' ').map(visibleText).join(' ');
}
