// What the page says, in each of its languages. {0}, {1}... are filled in. What the proxy says is English in both.
const LANGUAGES = ['en', 'zh'];
const WORDS = {
  otherLanguage: ['中文', 'English'],
  skip: ['Skip to the tunnels', '跳到隧道列表'],
  skipFailures: ['Skip to the failures', '跳到失败列表'],
  pause: ['Pause', '暂停'],
  close: ['Close', '关闭'],
  cancel: ['Cancel', '取消'],
  connecting: ['connecting', '连接中'],
  serving: ['serving', '运行中'],
  notReady: ['not ready', '未就绪'],
  unhealthy: ['not healthy', '不健康'],
  draining: ['draining', '排空中'],
  unreachable: ['unreachable', '无法连接'],
  paused: ['paused', '已暂停'],
  lost: ['Connection lost, trying again. Last heard from it {0} ago.', '连接已断开，正在重试。上次收到数据：{0} 前。'],
  neverHeard: ['Connecting to the proxy, trying again.', '正在连接代理，会自动重试。'],
  refusedUs: ['The proxy refuses this page: {0}', '代理拒绝了本页面：{0}'],
  drains: ['Draining: open tunnels go on, new requests are refused.', '正在排空：已有隧道继续，新请求会被拒绝。'],
  isPaused: ['Paused {0} ago; what you see is from then.', '已在 {0} 前暂停，显示的是当时的状态。'],
  about: ['version {0} · pid {1} · up {2} · {3} · {4}', '版本 {0} · 进程 {1} · 已运行 {2} · {3} · {4}'],
  worker: ['1 worker', '1 个工作线程'],
  workers: ['{0} workers', '{0} 个工作线程'],
  throughput: ['Throughput, last ten minutes', '最近十分钟的吞吐量'],
  down: ['Down', '下行'],
  up: ['Up', '上行'],
  chartSummary: [
    'Throughput of the last ten minutes. Down: {0} now, {1} at most. Up: {2} now, {3} at most.',
    '最近十分钟的吞吐量。下行：当前 {0}，最高 {1}。上行：当前 {2}，最高 {3}。',
  ],
  now: ['now', '现在'],
  ago: ['{0} ago', '{0} 前'],
  noHistory: ['The first figures come in some seconds.', '几秒后会有第一批数据。'],
  figureTunnels: ['Tunnels', '隧道'],
  figureStalled: ['Stalled', '停滞'],
  figureHeld: ['Held', '等待上游'],
  figureConnections: ['Clients', '客户端'],
  figureOk: ['Requests ok', '成功请求'],
  figureFailed: ['Failed', '失败'],
  figureMoved: ['Moved down', '累计下行'],
  figureMovedUp: ['Moved up', '累计上行'],
  upstreams: ['Upstreams', '上游'],
  noUpstreams: ['No upstream: everything is dialed directly.', '没有上游：全部直接连接。'],
  stateUp: ['up', '正常'],
  stateUnknown: ['not used yet', '尚未使用'],
  stateDown: ['down', '不可用'],
  stateMarkedDown: ['marked down', '已手动停用'],
  defaultRoute: ['default route', '默认路由'],
  downFor: ['down for {0}', '已不可用 {0}'],
  connectSummary: ['Time to connect: {0} last, {1} median of {2}, {3} at most', '连接耗时：最近 {0}，{2} 次的中位数 {1}，最长 {3}'],
  noConnects: ['no connection yet', '尚无连接'],
  milliseconds: ['{0} ms', '{0} 毫秒'],
  median: ['median {0} ms', '中位数 {0} 毫秒'],
  cardTunnels: ['tunnels', '隧道'],
  cardConnected: ['connected', '已连接'],
  cardFailed: ['failed', '失败'],
  cardMoved: ['down / up', '下行 / 上行'],
  cardWarm: ['warm', '预热'],
  breakerOpen: ['breaker open', '熔断器已打开'],
  breakerHalfOpen: ['breaker half open', '熔断器半开'],
  probeFailed: ['probe failed', '探测失败'],
  falseSuccesses: ['said yes in vain: {0}', '虚假成功：{0}'],
  markDown: ['Mark down', '停用'],
  markUp: ['Mark up', '启用'],
  markDownOf: ['Mark down: {0}', '停用：{0}'],
  markUpOf: ['Mark up: {0}', '启用：{0}'],
  askDown: ['Mark upstream {0} down?', '停用上游 {0}？'],
  askDownText: [
    'New requests pass it over until it is marked up again. Its open tunnels ({1}) go on.',
    '在重新启用之前，新请求会跳过它。已打开的隧道（{1}）继续。',
  ],
  askUp: ['Mark upstream {0} up?', '启用上游 {0}？'],
  askUpText: ['New requests use it again.', '新请求会重新使用它。'],
  tunnels: ['Tunnels', '隧道'],
  countAll: ['{0} open', '{0} 条打开'],
  countMatching: ['{0} of {1}', '{1} 条中的 {0} 条'],
  orderKept: ['order kept', '顺序保持'],
  filter: ['Filter by target, client, upstream', '按目标、客户端、上游筛选'],
  noTunnels: ['No tunnel is open.', '没有打开的隧道。'],
  noMatch: ['No tunnel matches “{0}”.', '没有隧道匹配“{0}”。'],
  target: ['Target', '目标'],
  client: ['Client', '客户端'],
  upstream: ['Upstream', '上游'],
  state: ['State', '状态'],
  age: ['Age', '时长'],
  rate: ['Rate ↓ ↑', '速率 ↓ ↑'],
  bytes: ['Bytes ↓ ↑', '字节 ↓ ↑'],
  quiet: ['Last moved', '上次传输'],
  direct: ['direct', '直连'],
  end: ['End', '结束'],
  endOf: ['End the tunnel to {0}', '结束到 {0} 的隧道'],
  detailsOf: ['{0}, details', '{0}，详情'],
  ended: ['ended', '已结束'],
  justNow: ['now', '刚刚'],
  connectingTunnel: ['connecting', '连接中'],
  held: ['held', '等待上游'],
  moving: ['moving', '传输中'],
  quietTunnel: ['quiet', '空闲'],
  client_slow: ['client reads slowly', '客户端读取慢'],
  stalled: ['stalled', '停滞'],
  'client.does_not_read': ['client is not reading', '客户端不读取'],
  'client.does_not_send': ['client is not sending', '客户端不发送'],
  'client.does_not_acknowledge': ['client sends no ACK', '客户端不确认'],
  'upstream.does_not_read': ['upstream is not reading', '上游不读取'],
  'upstream.does_not_send': ['upstream is not sending', '上游不发送'],
  'upstream.does_not_acknowledge': ['upstream sends no ACK', '上游不确认'],
  method: ['Method', '方法'],
  user: ['User', '用户'],
  id: ['Session', '会话'],
  stage: ['Stage', '阶段'],
  connectMs: ['Connected in', '连接耗时'],
  waitingClient: ['Waits for the client', '等待客户端接收'],
  waitingUpstream: ['Waits for the upstream', '等待上游接收'],
  askEnd: ['End the tunnel to {0}?', '结束到 {0} 的隧道？'],
  askEndText: [
    'Client {0} loses this connection at once; {1} came down so far. Most programs try again by themselves.',
    '客户端 {0} 会立即失去此连接；目前已下行 {1}。多数程序会自动重试。',
  ],
  endIt: ['End tunnel', '结束隧道'],
  heldRequests: ['Held requests', '等待上游的请求'],
  heldLine: ['{0} from {1}, for {2}', '{0}，来自 {1}，已等待 {2}'],
  heldMore: ['and {0} more', '另有 {0} 个'],
  failures: ['Last failures', '最近的失败'],
  noFailures: ['No request has failed.', '没有失败的请求。'],
  hint: ['Hint:', '提示：'],
  via: ['via {0}', '经由 {0}'],
  atStage: ['while: {0}', '阶段：{0}'],
  stage_route: ['choosing a route', '选择路由'],
  stage_dial: ['connecting', '连接'],
  stage_established: ['connected', '已连接'],
  stage_tunnel: ['in the tunnel', '隧道传输'],
  stage_exchange: ['passing on the request', '转发请求'],
  notDone: ['Not done: {0}', '未完成：{0}'],
  noAnswer: ['no answer from the proxy', '代理没有应答'],
  saidEnded: ['The tunnel to {0} was ended.', '到 {0} 的隧道已结束。'],
  saidDown: ['Upstream {0} is marked down.', '上游 {0} 已停用。'],
  saidUp: ['Upstream {0} is marked up.', '上游 {0} 已启用。'],
  saidLost: ['The connection to the proxy is lost.', '与代理的连接已断开。'],
  saidBack: ['The proxy is there again.', '代理已恢复。'],
  saidRestarted: ['The proxy was restarted; it has pid {0} now.', '代理已重启，现在的进程号是 {0}。'],
  saidFailure: ['A request for {0} failed: {1}', '对 {0} 的请求失败：{1}'],
  saidStalled: ['Stalled tunnels: {0}', '停滞的隧道：{0}'],
};

const STORED_LANGUAGE = 'culvert.language';

function preferredLanguage() {
  let stored = null;
  try {
    stored = localStorage.getItem(STORED_LANGUAGE);
  } catch {
    // A browser may forbid it.
  }
  for (const wanted of [stored ?? '', ...navigator.languages]) {
    const language = wanted.toLowerCase().split('-')[0];
    if (LANGUAGES.includes(language)) return language;
  }
  return 'en';
}

let language = preferredLanguage();

function say(key, ...values) {
  return (WORDS[key]?.[LANGUAGES.indexOf(language)] ?? key).replace(/\{(\d)\}/g, (_, at) => values[at]);
}

/// Says again all that stands in page.html.
function sayPage() {
  document.documentElement.lang = language === 'zh' ? 'zh-Hans' : 'en';
  for (const node of document.querySelectorAll('[data-word]')) setText(node, say(node.dataset.word));
  for (const node of document.querySelectorAll('[data-label]')) node.setAttribute('aria-label', say(node.dataset.label));
  for (const node of document.querySelectorAll('[data-hint]')) node.placeholder = say(node.dataset.hint);
  const other = document.getElementById('language');
  setText(other, say('otherLanguage'));
  other.lang = language === 'zh' ? 'en' : 'zh-Hans';
}

function changeLanguage() {
  language = language === 'zh' ? 'en' : 'zh';
  try {
    localStorage.setItem(STORED_LANGUAGE, language);
  } catch {
    // Then it is for this visit.
  }
  sayPage();
}
