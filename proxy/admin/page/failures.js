// The last failures, newest first: each with its whole explanation, and the hint.
const FAILURES_KEPT = 100;

class FailureList {
  constructor() {
    this.failures = null;
    this.outcomes = {};
  }

  take(failures) {
    this.failures = failures.slice(0, FAILURES_KEPT);
    this.show();
  }

  add(failure) {
    const others = (this.failures ?? []).filter((one) => one.id !== failure.id);
    this.take([failure, ...others]);
  }

  /// Finished requests by outcome.
  takeOutcomes(outcomes) {
    this.outcomes = outcomes;
    const failed = Object.entries(outcomes).filter(([outcome, count]) => outcome !== 'ok' && count > 0);
    failed.sort((a, b) => b[1] - a[1]);
    setText(byId('outcomes'), failed.slice(0, 4).map(([outcome, count]) => `${visibleText(outcome)} ${wholeNumber(count)}`).join(' · '));
  }

  show() {
    if (!this.failures) return;
    reconcile(byId('failure-list'), this.failures, (failure) => failure.id, () => this.create(), (item, failure) =>
      this.update(item, failure));
    byId('no-failures').hidden = this.failures.length > 0;
    setText(byId('no-failures'), say('noFailures'));
  }

  create() {
    const item = make('li', {class: 'failure'});
    item.parts = {
      time: make('time'), ago: make('span', {class: 'faint number'}), method: make('span', {class: 'method'}),
      target: make('bdi', {class: 'target'}), outcome: make('code'), status: make('span', {class: 'status'}),
      explanation: make('p', {class: 'explanation', lang: 'en', dir: 'auto'}), hint: make('p', {class: 'hint'}),
      detail: make('p', {class: 'detail', lang: 'en', dir: 'auto'}), circumstances: make('p', {class: 'circumstances'}),
    };
    item.hintWord = make('b');
    item.hintText = make('span', {lang: 'en', dir: 'auto'});
    const {time, ago, method, target, outcome, status, explanation, hint, detail, circumstances} = item.parts;
    hint.append(item.hintWord, ' ', item.hintText);
    item.append(make('p', {class: 'head'}, time, ago, status, outcome, make('span', {class: 'request'}, method, ' ', target)), explanation,
      hint, detail, circumstances);
    return item;
  }

  update(item, failure) {
    const {parts} = item;
    item.failure = failure;
    const time = new Date(failure.time);
    setAttribute(parts.time, 'datetime', failure.time);
    setAttribute(parts.time, 'title', failure.time);
    setText(parts.time, clockText(time));
    setText(parts.method, visibleText(failure.method));
    setName(parts.target, failure.target);
    setText(parts.outcome, visibleText(failure.outcome));
    setText(parts.status, failure.status ? String(failure.status) : '');
    setText(parts.explanation, visibleSentence(failure.explanation));
    parts.hint.hidden = !failure.hint;
    setText(item.hintWord, say('hint'));
    setText(item.hintText, visibleSentence(failure.hint ?? ''));
    parts.detail.hidden = !failure.detail;
    setText(parts.detail, visibleSentence(failure.detail ?? ''));
    const circumstances = [visibleText(failure.client)];
    if (failure.upstream) circumstances.push(say('via', visibleText(failure.upstream)));
    if (failure.stage) circumstances.push(say('atStage', stageText(failure.stage)));
    setText(parts.circumstances, circumstances.join(' · '));
  }

  /// How long ago each was, by the proxy's clock.
  sayAges(now) {
    for (const item of byId('failure-list').children) {
      const seconds = Math.max(0, (now - new Date(item.failure.time)) / 1000);
      setText(item.parts.ago, seconds < 60 ? say('ago', durationText(seconds)) : say('ago', `${Math.floor(seconds / 60)} min`));
    }
  }
}

function stageText(stage) {
  const word = `stage_${stage}`;
  return Object.hasOwn(WORDS, word) ? say(word) : visibleText(stage);
}
