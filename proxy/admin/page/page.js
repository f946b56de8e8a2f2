// The page as a whole: what is asked when, and what goes where.
const TICK = 1000;
const HISTORY_EVERY = 5;  // Ticks. The history has a point for each five seconds.

class Page {
  constructor() {
    this.status = null;
    this.statusAt = 0;         // performance.now() when it came.
    this.pausedAt = null;
    this.ticks = 0;
    this.runs = false;
    this.stalled = 0;
    this.question = new Question();
    this.details = new TunnelDetails((tunnel) => this.endTunnel(tunnel));
    this.chart = new ThroughputChart(byId('chart'), byId('legend'));
    this.upstreams = new UpstreamCards((upstream) => this.question.markUpstream(upstream, () => this.loadUpstreams()));
    this.failures = new FailureList();
    this.tunnels = new TunnelTable({
      onAsk: () => this.loadTunnels(),
      onDetails: (tunnel) => this.details.open(tunnel, this.status?.actions_allowed ?? false),
      onEnd: (tunnel) => this.endTunnel(tunnel),
    });
    this.upstreamsHeard = 0;  // Events.
    this.failuresHeard = new Set();  // An array for each list that is on its way: the events since it was asked for.
    this.connection = new Connection({
      status: (status) => this.takeStatus(status),
      upstreams: (answer) => this.takeUpstreams(answer),
      failure: (failure) => this.takeFailure(failure),
      bye: () => this.takeBye(),
      open: () => this.loadEvents(),
      lost: () => this.lost(),
      back: () => this.back(),
    });
    byId('pause').addEventListener('click', () => this.pauseOrGoOn());
    byId('language').addEventListener('click', () => this.changeLanguage());
    byId('filter').addEventListener('input', () => this.filterChanged());
    document.addEventListener('visibilitychange', () => this.startOrStop());
    this.sayAgain();
    this.startOrStop();
    setInterval(() => this.tick(), TICK);
  }

  endTunnel(tunnel) {
    this.question.endTunnel(tunnel, () => this.loadTunnels());
  }

  /// A page that nobody sees, or that is paused, asks nothing.
  startOrStop() {
    const runs = !document.hidden && this.pausedAt === null;
    if (runs === this.runs) return;
    this.runs = runs;
    if (runs) {
      this.connection.start();
      this.loadAll();
    } else {
      this.connection.stop();
    }
  }

  pauseOrGoOn() {
    this.pausedAt = this.pausedAt === null ? performance.now() : null;
    this.sayPause();
    this.startOrStop();
    this.sayState();
  }

  sayPause() {
    const isPaused = this.pausedAt !== null;
    setAttribute(byId('pause'), 'aria-pressed', String(isPaused));
  }

  tick() {
    if (this.runs) this.askAgain();
    this.sayState();
  }

  askAgain() {
    ++this.ticks;
    this.connection.look();
    const isDue = this.ticks % HISTORY_EVERY === 0;
    if (isDue || !this.connection.hasEvents) this.loadStatus();
    if (!this.connection.isLost) {
      if (isDue && !this.connection.hasEvents) this.loadEvents();
      this.loadTunnels();
      this.loadHeld();
    }
    this.failures.sayAges(this.proxyTime());
  }

  /// The proxy's clock; ours may be wrong.
  proxyTime() {
    if (this.status === null) return new Date();
    return new Date(new Date(this.status.now).getTime() + performance.now() - this.statusAt);
  }

  loadAll() {
    this.loadStatus();
    this.loadEvents();
    this.loadTunnels();
  }

  /// What the events of a stream have been about, while there was none.
  loadEvents() {
    this.loadUpstreams();
    this.loadFailures();
  }

  async loadStatus() {
    const status = await this.connection.get('status');
    if (status) this.takeStatus(status);
  }

  /// An event that comes while the answer is on its way may be newer.
  async loadUpstreams() {
    const heardBefore = this.upstreamsHeard;
    const answer = await this.connection.get('upstreams');
    if (answer && this.upstreamsHeard === heardBefore) this.upstreams.take(answer.upstreams);
  }

  async loadFailures() {
    const heard = [];
    this.failuresHeard.add(heard);
    const answer = await this.connection.get('failures?limit=100');
    this.failuresHeard.delete(heard);
    if (!answer) return;
    this.failures.take(answer.failures);
    for (const failure of heard) this.failures.add(failure);
    this.failures.sayAges(this.proxyTime());
  }

  /// One request at a time; what is wanted meanwhile is asked for afterwards.
  async loadTunnels() {
    if (this.loadingTunnels) {
      this.wantsTunnels = true;
      return;
    }
    this.loadingTunnels = true;
    const query = this.tunnels.query();
    const answer = await this.connection.get(`tunnels?${new URLSearchParams(query)}`);
    this.loadingTunnels = false;
    if (answer) {
      this.tunnels.take(answer, query);
      this.details.update(answer.tunnels);
      this.loadMissed();
    }
    if (this.wantsTunnels) {
      this.wantsTunnels = false;
      this.loadTunnels();
    }
  }

  /// What is to be seen, and stands elsewhere in the order by now.
  async loadMissed() {
    const {missed} = this.tunnels;
    const ids = [...new Set([...missed, ...this.details.missed])];
    if (ids.length === 0) return;
    const answer = await this.connection.get(`tunnels?ids=${ids.join(',')}`);
    this.tunnels.takeMissed(answer?.tunnels, missed);
    if (answer) this.details.takeMissed(answer.tunnels);
  }

  /// Of these there are few, at times when there are any.
  async loadHeld() {
    if (!(this.status?.held > 0)) return this.tunnels.takeHeld([]);
    const answer = await this.connection.get('tunnels?limit=100&sort=state');
    if (answer) this.tunnels.takeHeld(answer.tunnels.filter((tunnel) => tunnel.state === 'held'));
  }

  takeStatus(status) {
    const before = this.status;
    this.status = status;
    this.statusAt = performance.now();
    this.upstreams.allowActions(status.actions_allowed);
    this.tunnels.allowActions(status.actions_allowed);
    if (status.history) this.chart.setHistory(status.history);
    this.chart.setNow(status.rate_down, status.rate_up);
    this.failures.takeOutcomes(status.requests);
    this.sayFigures();
    this.sayState();
    if (before && before.pid !== status.pid) this.restarted();
    if (before && status.stalled > this.stalled) announce(say('saidStalled', wholeNumber(status.stalled)));
    this.stalled = status.stalled;
  }

  takeUpstreams(answer) {
    ++this.upstreamsHeard;
    this.upstreams.take(answer.upstreams);
  }

  takeFailure(failure) {
    for (const heard of this.failuresHeard) heard.push(failure);
    this.failures.add(failure);
    this.failures.sayAges(this.proxyTime());
    announce(say('saidFailure', visibleText(failure.target), visibleSentence(failure.explanation)));
  }

  takeBye() {
    if (this.status) this.status = {...this.status, state: 'draining'};
    this.sayState();
  }

  restarted() {
    announce(say('saidRestarted', this.status.pid), true);
    this.tunnels.forget();
    this.loadAll();
  }

  lost() {
    announce(say('saidLost'), true);
    this.sayState();
  }

  back() {
    announce(say('saidBack'), true);
    this.loadAll();
    this.sayState();
  }

  filterChanged() {
    clearTimeout(this.filterTimer);
    this.filterTimer = setTimeout(() => this.tunnels.filterBy(byId('filter').value.trim()), 150);
  }

  changeLanguage() {
    changeLanguage();
    setText(byId('announcer'), '');
    this.sayAgain();
  }

  sayAgain() {
    sayPage();
    this.sayPause();
    this.sayState();
    this.sayFigures();
    this.chart.draw();
    this.upstreams.show();
    this.failures.show();
    this.failures.sayAges(this.proxyTime());
    this.tunnels.sayAgain();
  }

  sayState() {
    const {state, line} = this.stateNow();
    setAttribute(byId('state'), 'data-state', state);
    setText(byId('state-text'), say(state));
    setText(byId('about'), line);
    setAttribute(byId('about'), 'class', ['serving', 'connecting'].includes(state) ? null : 'problem');
    document.body.classList.toggle('stale', state === 'unreachable');
    const title = `culvert · ${say(state)}`;
    if (document.title !== title) document.title = title;
  }

  /// The state, and the line that explains it.
  stateNow() {
    const {connection, status} = this;
    const since = (time) => durationText((performance.now() - time) / 1000);
    if (this.pausedAt !== null) return {state: 'paused', line: say('isPaused', since(this.pausedAt))};
    if (connection.isLost) {
      const {lastHeard} = connection;
      return {state: 'unreachable', line: lastHeard === null ? say('neverHeard') : say('lost', since(lastHeard))};
    }
    if (connection.refusal !== null) return {state: 'unreachable', line: say('refusedUs', visibleSentence(connection.refusal))};
    if (status === null) return {state: 'connecting', line: ''};
    if (status.state === 'draining') return {state: 'draining', line: say('drains')};
    if (!status.healthy) return {state: 'unhealthy', line: visibleSentence(status.unhealthy_reason ?? '')};
    if (!status.ready) return {state: 'notReady', line: visibleSentence(status.not_ready_reason ?? '')};
    const workers = status.workers === 1 ? say('worker') : say('workers', status.workers);
    return {state: 'serving', line: say('about', visibleText(status.version), status.pid, durationText(status.uptime_seconds), workers,
      status.listeners.map(visibleText).join('  '))};
  }

  sayFigures() {
    const {status} = this;
    const count = (value) => status ? wholeNumber(value()) : '–';
    const failed = () => Object.entries(status.requests).reduce((sum, [outcome, number]) => sum + (outcome === 'ok' ? 0 : number), 0);
    showFacts(byId('figures'), [
      ['figureTunnels', count(() => status.tunnels)],
      ['figureStalled', count(() => status.stalled)],
      ['figureHeld', count(() => status.held)],
      ['figureConnections', count(() => status.connections)],
      ['figureOk', count(() => status.requests.ok ?? 0)],
      ['figureFailed', count(failed)],
      ['figureMoved', status ? byteText(status.bytes_down) : '–'],
      ['figureMovedUp', status ? byteText(status.bytes_up) : '–'],
    ]);
    byId('figures').elements.get('figureStalled').classList.toggle('warns', status !== null && status.stalled > 0);
    byId('figures').elements.get('figureHeld').classList.toggle('warns', status !== null && status.held > 0);
  }
}

new Page();
