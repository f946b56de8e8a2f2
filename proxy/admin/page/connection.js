// The proxy's side: requests, and the stream of events.
const REQUEST_TIMEOUT = 5000;
const SILENCE = 6000;  // The stream says something each second.

class ProxyError extends Error {}

/// Resolves to the JSON of an answer, or null where it has none. Rejects with a ProxyError where the proxy refuses, with
/// something else where it is not there.
async function ask(path, options = {}) {
  const response = await fetch(`api/v1/${path}`, {
    cache: 'no-store', redirect: 'error', signal: AbortSignal.timeout(REQUEST_TIMEOUT), ...options});
  if (response.status === 204) return null;
  let answer = null;
  try {
    answer = await response.json();
  } catch (problem) {
    if (response.ok) throw problem;
  }
  if (!response.ok) throw new ProxyError(answer?.error ?? `${response.status} ${response.statusText}`);
  return answer;
}

function act(path) {
  return ask(path, {method: 'POST', headers: {'X-Culvert-Action': '1'}});
}

/// Whether the proxy is there, and what it says by itself. Calls `handlers[event](data)` for each event, `handlers.open()`
/// before the first one of a stream, and `handlers.lost()` and `handlers.back()` where that changes.
class Connection {
  constructor(handlers) {
    this.handlers = handlers;
    this.stream = null;
    this.lastEvent = 0;
    this.lastHeard = null;  // As performance.now(); null: never.
    this.isLost = false;
    this.refusal = null;
  }

  start() {
    this.stop();
    const stream = new EventSource('api/v1/events');
    this.stream = stream;
    this.lastEvent = performance.now();
    stream.addEventListener('open', () => this.stream === stream && this.handlers.open());
    for (const event of ['status', 'upstreams', 'failure', 'bye']) {
      stream.addEventListener(event, (message) => {
        if (this.stream !== stream) return;
        this.lastEvent = performance.now();
        this.heard();
        this.handlers[event](JSON.parse(message.data || 'null'));
      });
    }
  }

  stop() {
    this.stream?.close();
    this.stream = null;
  }

  get hasEvents() {
    return this.stream?.readyState === EventSource.OPEN;
  }

  /// Each second: a stream that a proxy has refused, or that died without a word, is opened again.
  look() {
    const silent = performance.now() - this.lastEvent > SILENCE;
    if (this.stream && (silent || this.stream.readyState === EventSource.CLOSED)) this.start();
  }

  /// As ask(), and keeps account of whether the proxy is there. Resolves to undefined where it is not.
  async get(path) {
    const stream = this.stream;
    try {
      const answer = await ask(path);
      this.refusal = null;
      this.heard();
      return answer;
    } catch (problem) {
      if (problem instanceof ProxyError) {
        this.refusal = problem.message;
        this.heard();
      } else if (!this.hasEvents && this.stream === stream) {
        this.missed();
      }
      return undefined;
    }
  }

  heard() {
    this.lastHeard = performance.now();
    if (!this.isLost) return;
    this.isLost = false;
    this.handlers.back();
  }

  missed() {
    if (this.isLost) return;
    this.isLost = true;
    this.handlers.lost();
  }
}
