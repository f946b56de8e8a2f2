// The admin interface as the page sees it, with a world behind it that a test can direct. To look at the page by hand:
//
//   node mock_admin.mjs FOLDER [TUNNELS]     FOLDER has page.html and page.policy, as build/dev/page/admin

import {readFileSync} from 'node:fs';
import {createServer} from 'node:http';
import path from 'node:path';

const HOSTS = ['registry-1.docker.io', 'production.cloudflare.docker.example', 'gcr.io', 'ghcr.io', 'quay.io', 'mcr.microsoft.example',
  'k8s.gcr.io', 'us-docker.pkg.dev', 'storage.example', 'deb.debian.example', 'proxy.golang.example', 'api.example'];
const HISTORY_POINTS = 120;
const STATES = ['connecting', 'held', 'moving', 'quiet', 'client_slow', 'stalled'];  // As they are sorted.

// A reader might be fooled by these, or a browser that took them for HTML.
export const HOSTILE = [
  `<img src=x onerror="document.title='owned'">:443`,
  `"><script>document.title='owned'</script>:443`,
  'evil\u202emoc.elgoog\u202c:443',
  'zero\u200bwidth.example:443',
  `${'very-long-label-'.repeat(15)}.example:443`,
];

/// The same sequence each time.
function randomNumbers(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

export class World {
  constructor({tunnels = 12, actionsAllowed = true} = {}) {
    this.random = randomNumbers(14);
    this.actionsAllowed = actionsAllowed;
    this.done = [];  // The actions that were taken.
    this.asked = [];  // The paths that were asked for.
    this.begin(tunnels);
  }

  begin(tunnels) {
    this.pid = (this.pid ?? 4241) + 1;
    this.started = Date.now() - 3723000;
    this.state = 'serving';
    this.notReady = null;
    this.nextId = 1;
    this.failures = [];
    this.requests = {ok: 1204};
    this.history = {up: [], down: []};
    for (let at = 0; at < HISTORY_POINTS; ++at) this.addHistory(at);
    this.upstreams = [
      this.upstream('tunnel', 'socks5://127.0.0.1:1080', 'socks5', {default_route: true}),
      this.upstream('office', 'http://proxy.office.example:3128', 'http', {}),
    ];
    this.tunnels = Array.from({length: tunnels}, () => this.tunnel());
  }

  addHistory(at) {
    const wave = 0.55 + 0.3 * Math.sin(at / 9) + 0.15 * Math.sin(at / 2.3);
    this.history.down.push(Math.round(34e6 * wave * (0.85 + 0.3 * this.random())));
    this.history.up.push(Math.round(3.1e6 * (1.1 - wave) * (0.7 + 0.6 * this.random())));
  }

  upstream(name, label, kind, more) {
    return {
      name, label, kind, default_route: false, state: 'up', down_seconds: null, reason: null, breaker: 'closed', probe: 'passed',
      warm_wanted: 0, warm_ready: 0, tunnels: 5, attempts: {connected: 812, refused: 3, failed: 1, unanswered: 0, abandoned: 0},
      bytes_up: 48e6, bytes_down: 6.2e9, false_successes: 0,
      connect_ms: Array.from({length: 60}, (_, at) => Math.round(11 + 7 * this.random() + (at % 23 === 0 ? 30 : 0))), ...more,
    };
  }

  tunnel(more = {}) {
    const id = this.nextId++;
    const rate = this.random() < 0.7 ? Math.round(6e6 * this.random() ** 3) : 0;
    return {
      id, client: `10.0.${id >> 8}.${id & 255}:${40000 + (id % 20000)}`, user: id % 7 === 0 ? 'build' : null, method: 'CONNECT',
      target: `${HOSTS[id % HOSTS.length]}:443`, upstream: id % 3 === 0 ? 'office' : id % 11 === 0 ? null : 'tunnel', stage: 'tunnel',
      age_seconds: Math.round(2 + 4000 * this.random() ** 2), bytes_up: Math.round(2e6 * this.random()),
      bytes_down: Math.round(3e9 * this.random() ** 4), rate_up: Math.round(rate / 60), rate_down: rate,
      quiet_seconds: rate > 0 ? 0.1 : Math.round(2 + 300 * this.random()), state: rate > 0 ? 'moving' : 'quiet', waiting_for_client: 0,
      waiting_for_upstream: 0, stall: null, connect_ms: 12, ...more,
    };
  }

  add(more) {
    const tunnel = this.tunnel(more);
    this.tunnels.push(tunnel);
    return tunnel;
  }

  stall(tunnel, side, what, seconds, text) {
    Object.assign(tunnel, {state: 'stalled', rate_up: 0, rate_down: 0, quiet_seconds: seconds, waiting_for_client: side === 'client' ? 262144 : 0,
      stall: {side, what, seconds, text}});
  }

  hold(target) {
    return this.add({target, state: 'held', stage: 'dial', upstream: null, rate_up: null, rate_down: null, bytes_up: 0, bytes_down: 0, age_seconds: 4,
      connect_ms: null});
  }

  fail(more) {
    const failure = {
      id: this.nextId++, time: new Date().toISOString(), client: '10.0.0.9:50124', method: 'CONNECT', target: 'gcr.io:443', upstream: 'tunnel',
      status: 502, outcome: 'connection_refused', stage: 'dial', explanation: 'upstream socks5://127.0.0.1:1080 refused the connection',
      hint: 'is the tunnel up? ssh -D 1080 would listen there', detail: null, ...more,
    };
    this.failures.unshift(failure);
    this.failures.length = Math.min(this.failures.length, 100);
    this.requests[failure.outcome] = (this.requests[failure.outcome] ?? 0) + 1;
    return failure;
  }

  /// A second passes.
  step() {
    for (const tunnel of this.tunnels) {
      tunnel.age_seconds += 1;
      if (tunnel.state === 'moving') {
        if (!this.isSteady) tunnel.rate_down = Math.round(tunnel.rate_down * (0.8 + 0.4 * this.random()) + 1);
        tunnel.bytes_down += tunnel.rate_down;
        tunnel.bytes_up += tunnel.rate_up;
      } else {
        tunnel.quiet_seconds += 1;
        if (tunnel.stall) tunnel.stall.seconds += 1;
      }
    }
    for (const upstream of this.upstreams) {
      if (upstream.down_seconds !== null) upstream.down_seconds += 1;
    }
  }

  status() {
    const sum = (key) => this.tunnels.reduce((total, tunnel) => total + (tunnel[key] ?? 0), 0);
    const count = (state) => this.tunnels.filter((tunnel) => tunnel.state === state).length;
    return {
      version: '0.1.0', pid: this.pid, started: new Date(this.started).toISOString(), now: new Date().toISOString(),
      uptime_seconds: (Date.now() - this.started) / 1000, state: this.state, ready: this.notReady === null, not_ready_reason: this.notReady,
      healthy: true, unhealthy_reason: null, actions_allowed: this.actionsAllowed, workers: 2, listeners: ['http://127.0.0.1:3128'],
      connections: this.tunnels.length + 2, tunnels: this.tunnels.length, stalled: count('stalled'), held: count('held'), requests: this.requests,
      bytes_up: sum('bytes_up'), bytes_down: sum('bytes_down'), rate_up: sum('rate_up'), rate_down: sum('rate_down'),
    };
  }

  wholeStatus() {
    return {...this.status(), history: {interval_seconds: 5, end: new Date().toISOString(), ...this.history}};
  }

  window(parameters) {
    const ids = parameters.get('ids')?.split(',').map(Number);
    const limit = Number(parameters.get('limit') ?? (ids ? 500 : 100));
    const offset = Number(parameters.get('offset') ?? 0);
    const sort = parameters.get('sort') ?? '-rate';
    const filter = (parameters.get('filter') ?? '').toLowerCase();
    const keys = {id: (t) => t.id, age: (t) => t.age_seconds, rate: (t) => (t.rate_up ?? 0) + (t.rate_down ?? 0),
      bytes: (t) => t.bytes_up + t.bytes_down, quiet: (t) => t.quiet_seconds, target: (t) => t.target, client: (t) => t.client,
      upstream: (t) => t.upstream ?? '', state: (t) => STATES.indexOf(t.state)};
    const key = keys[sort.replace('-', '')];
    if (!key || !(limit >= 1 && limit <= 500) || !(offset >= 0) || ids && !ids.every((id) => id > 0)) return null;
    const sign = sort.startsWith('-') ? -1 : 1;
    const matching = this.tunnels.filter((tunnel) => (ids?.includes(tunnel.id) ?? true) && [tunnel.target, tunnel.client, tunnel.upstream ?? ''].some((text) =>
      text.toLowerCase().includes(filter)));
    matching.sort((a, b) => sign * (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0) || a.id - b.id);
    return {total: this.tunnels.length, matching: matching.length, offset, tunnels: matching.slice(offset, offset + limit)};
  }
}

export class MockAdmin {
  constructor(world, pageFolder) {
    this.world = world;
    this.page = readFileSync(path.join(pageFolder, 'page.html'));
    this.policy = readFileSync(path.join(pageFolder, 'page.policy'), 'utf8').trim();
    this.streams = new Set();
    this.port = 0;
  }

  async start() {
    this.server = createServer((request, response) => this.answer(request, response));
    this.server.keepAliveTimeout = 60000;
    await new Promise((resolve) => this.server.listen(this.port, '127.0.0.1', resolve));
    this.port = this.server.address().port;
    this.url = `http://127.0.0.1:${this.port}/`;
    this.timer = setInterval(() => {
      this.world.step();
      this.send('status', this.world.status());
    }, 1000);
  }

  async stop() {
    clearInterval(this.timer);
    this.streams.clear();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /// Tells who listens.
  send(event, data) {
    for (const stream of this.streams) stream.write(`event: ${event}\nid: ${++this.events}\ndata: ${JSON.stringify(data)}\n\n`);
  }
  events = 0;

  fail(more) {
    this.send('failure', this.world.fail(more));
  }

  change(upstream, values) {
    Object.assign(upstream, values);
    this.send('upstreams', {upstreams: this.world.upstreams});
  }

  answer(request, response) {
    const {pathname, searchParams} = new URL(request.url, this.url);
    this.world.asked.push(pathname);
    const json = (status, value) => {
      response.writeHead(status, {'Content-Type': 'application/json', 'Cache-Control': 'no-store'});
      response.end(JSON.stringify(value));
    };
    // As it is now, though it may be on its way for a while.
    const later = (value) => {
      if (!this.world.held) return json(200, value);
      const copy = structuredClone(value);
      return this.world.held.push(() => json(200, copy));
    };
    if (request.method === 'POST') return this.act(request, response, pathname, json);
    switch (pathname) {
      case '/':
        response.writeHead(200, {'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': this.policy, 'Cache-Control': 'no-store',
          'X-Content-Type-Options': 'nosniff'});
        return response.end(this.page);
      case '/api/v1/status': return json(200, this.world.wholeStatus());
      case '/api/v1/upstreams': return later({upstreams: this.world.upstreams});
      case '/api/v1/failures': return later({failures: this.world.failures});
      case '/api/v1/tunnels': {
        const answer = this.world.window(searchParams);
        return answer ? json(200, answer) : json(400, {error: 'no such window'});
      }
      case '/api/v1/events':
        if (this.world.refusesEvents) return json(503, {error: 'too many streams'});
        response.writeHead(200, {'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store'});
        response.write(`retry: 1000\n\nevent: status\nid: ${++this.events}\ndata: ${JSON.stringify(this.world.status())}\n\n`);
        this.streams.add(response);
        response.on('close', () => this.streams.delete(response));
        return undefined;
      default: return json(404, {error: 'there is no such thing'});
    }
  }

  act(request, response, pathname, json) {
    if (!this.world.actionsAllowed || request.headers['x-culvert-action'] !== '1') return json(403, {error: 'actions are not allowed'});
    const [, kind, name, action] = pathname.match(/^\/api\/v1\/(tunnels|upstreams)\/([^/]+)\/(end|up|down)$/) ?? [];
    const {tunnels, upstreams} = this.world;
    if (kind === 'tunnels' && action === 'end') {
      const at = tunnels.findIndex((tunnel) => tunnel.id === Number(name));
      if (at < 0) return json(404, {error: `there is no tunnel ${name}`});
      tunnels.splice(at, 1);
    } else {
      const upstream = upstreams.find((one) => one.name === decodeURIComponent(name));
      if (kind !== 'upstreams' || !upstream) return json(404, {error: 'there is no such upstream'});
      this.change(upstream, {state: action === 'down' ? 'marked_down' : 'up', reason: action === 'down' ? 'marked down by an operator' : null});
    }
    this.world.done.push(pathname);
    response.writeHead(204);
    return response.end();
  }
}

/// A day on which not all is well.
export function busyWorld(tunnels = 18) {
  const world = new World({tunnels});
  world.upstreams[1] = {...world.upstreams[1], state: 'down', down_seconds: 74, breaker: 'open', probe: 'failed', tunnels: 2,
    reason: 'http://proxy.office.example:3128 did not answer within 5 s, three times in a row'};
  world.upstreams.push(world.upstream('lab', 'ssh://jump.lab.example', 'socks5', {state: 'unknown', probe: 'none', connect_ms: [], tunnels: 0,
    attempts: {connected: 0, refused: 0, failed: 0, unanswered: 0, abandoned: 0}, bytes_up: 0, bytes_down: 0}));
  const {tunnels: all} = world;
  world.stall(all[1], 'client', 'does_not_read', 41, 'the client has not read for 41 s: 256 KiB wait for it, its window is closed (rtt 0.3 ms)');
  world.stall(all[4], 'upstream', 'does_not_acknowledge', 73,
    'the upstream acknowledges nothing for 73 s: 118 KiB are in flight, sent again 6 times (rtt 210 ms)');
  Object.assign(all[6], {state: 'client_slow', rate_down: 48000, waiting_for_client: 65536});
  world.hold('registry-1.docker.io:443');
  world.fail({time: new Date(Date.now() - 312000).toISOString(), target: 'quai.io:443', outcome: 'dns_error', upstream: null, status: 502,
    stage: 'dial', explanation: 'quai.io does not exist: the name server 10.0.0.2 said NXDOMAIN', hint: 'check the spelling of the image'});
  world.fail({time: new Date(Date.now() - 64000).toISOString(), upstream: 'office', target: 'ghcr.io:443', outcome: 'connection_timeout', status: 504,
    explanation: 'upstream http://proxy.office.example:3128 did not answer within 5 s; office passed over, tunnel refused the connection',
    hint: 'is the VPN up? proxy.office.example resolves to 10.20.0.5, which is behind it', detail: 'connect 10.20.0.5:3128: 5000 ms'});
  world.fail({time: new Date(Date.now() - 12000).toISOString()});
  Object.assign(world.requests, {dns_error: 4, connection_refused: 9, connection_timeout: 2});
  return world;
}

if (process.argv[1] === import.meta.filename) {
  const [folder, tunnels] = process.argv.slice(2);
  const mock = new MockAdmin(busyWorld(tunnels ? Number(tunnels) : undefined), folder);
  await mock.start();
  console.log(mock.url);
}
