// The status page in Chromium, before a scripted admin interface (mock_admin.mjs).
//
//   node page_test.mjs               CULVERT_PAGE: the folder of page.html, as build/dev/page/admin
//   CULVERT_ADMIN=http://127.0.0.1:9100/ node page_test.mjs
//                                    before a real culvert: what does not depend on what goes on there, and
//                                    CULVERT_PULL=gcr.io:443: a tunnel to there that moves all the while,
//                                    CULVERT_FAILURE=TEXT: a failure with this in its explanation or hint
//
// CULVERT_PEERS has browser/node_modules, as scripts/peers fills it. Says SKIP and why where it cannot run; with CI=true
// that is a failure. TEST=PATTERN runs the tests of these names alone.

import assert from 'node:assert/strict';
import {accessSync, constants, readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import path from 'node:path';

import {HOSTILE, MockAdmin, World, busyWorld} from './mock_admin.mjs';

const SKIPPED = 77;
const AT_ONCE = 4;        // Most of a test's time is waiting.
const PATIENCE = 20000;   // For what takes a moment on a machine that does nothing else.
const WIDTHS = [375, 768, 1280, 1920];
const REAL = process.env.CULVERT_ADMIN;
const PEERS = process.env.CULVERT_PEERS ?? path.join(import.meta.dirname, '../../build/peers');

function skip(reason) {
  console.log(`${process.env.CI === 'true' ? 'FAILED: CI has to have it' : 'SKIP'}: ${reason}`);
  process.exit(process.env.CI === 'true' ? 1 : SKIPPED);
}

function findChromium() {
  for (const folder of process.env.PATH.split(':')) {
    for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
      try {
        accessSync(path.join(folder, name), constants.X_OK);
        return path.join(folder, name);
      } catch {
        // Perhaps in the next one.
      }
    }
  }
  return skip('there is no chromium here');
}

function loadPackages() {
  const require = createRequire(path.join(PEERS, 'browser/package.json'));
  try {
    return {chromium: require('playwright-core').chromium, axe: readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')};
  } catch (problem) {
    return skip(`playwright-core and axe-core are not in ${PEERS}/browser: ${problem.message.split('\n')[0]}`);
  }
}

const executablePath = findChromium();
const {chromium, axe} = loadPackages();
const browser = await chromium.launch({
  executablePath, args: ['--disable-dev-shm-usage', ...(process.getuid() === 0 ? ['--no-sandbox'] : [])]});

/// One test's world, and its browser.
class Stage {
  async set({world = new World(), width = 1280, height = 900, locale = 'en-US', ...more} = {}) {
    this.world = world;
    if (!REAL) {
      this.mock = new MockAdmin(world, process.env.CULVERT_PAGE);
      await this.mock.start();
    }
    this.url = REAL ?? this.mock.url;
    this.context = await browser.newContext({viewport: {width, height}, locale, ...more});
    this.context.setDefaultTimeout(PATIENCE);
    this.complaints = [];
    // Before the page's own script.
    await this.context.addInitScript(() => {
      globalThis.policyReports = [];
      document.addEventListener('securitypolicyviolation', (event) => globalThis.policyReports.push(`${event.violatedDirective}: ${event.sample}`));
    });
    this.page = await this.open();
    return this.page;
  }

  async open() {
    const page = await this.context.newPage();
    page.on('console', (message) => this.complaints.push(`console: ${message.text()}`));
    page.on('pageerror', (error) => this.complaints.push(`error: ${error.message}`));
    await page.goto(this.url);
    await page.locator('#state:not([data-state="connecting"])').waitFor();
    await page.locator('#tunnel-count:not(:empty)').waitFor();
    return page;
  }

  /// No console message, no error, no report of the policy.
  async checkQuiet() {
    for (const page of this.context.pages()) this.complaints.push(...await page.evaluate(() => globalThis.policyReports));
    assert.deepEqual(this.complaints, []);
  }

  async strike() {
    await this.context?.close();
    await this.mock?.stop();
  }
}

const tests = [];
/// `anywhere`: before a real culvert, too.
function test(name, {anywhere = false} = {}, run) {
  tests.push({name, anywhere, run});
}

/// Until `look()` gives what is true.
async function until(what, look) {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) assert.fail(`in vain waited until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/// Until what is under way has arrived.
async function untilNothingIsAsked(world) {
  await until('nothing more is asked', async () => {
    const before = world.asked.length;
    await pause(600);
    return world.asked.length === before;
  });
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const textOf = (page, selector) => page.locator(selector).innerText();
const textsOf = (page, selector) => page.locator(selector).allInnerTexts();
const targetsOf = (page) => textsOf(page, '#rows .name');
const rowOf = (page, target) => page.locator('#rows tr', {has: page.locator(`button[title=${JSON.stringify(target)}]`)});

test('all of it is there', {anywhere: true}, async (stage) => {
  const page = await stage.set({world: busyWorld()});
  assert.match(await page.title(), /^culvert · /);
  for (const title of ['Throughput, last ten minutes', 'Upstreams', 'Tunnels', 'Last failures']) {
    await page.getByRole('heading', {name: title}).waitFor();
  }
  assert.deepEqual(await textsOf(page, '#columns th'), ['Target', 'Client', 'Upstream', 'State', 'Rate ↓ ↑', 'Bytes ↓ ↑', 'Last moved', 'Age']);
  assert.match(await page.locator('#chart svg').getAttribute('aria-label'), /Throughput of the last ten minutes|The first figures/);
  assert.match(await textOf(page, '#figures'), /Tunnels\s+\d+\s+Stalled\s+\d+\s+Held\s+\d+/);
  await stage.checkQuiet();
});

test('the world is shown as it is', {}, async (stage) => {
  const world = busyWorld();
  const page = await stage.set({world});
  assert.equal(await textOf(page, '#state'), 'serving');
  assert.match(await textOf(page, '#about'), /version 0\.1\.0 · pid 4242 · up 1:0\d:\d\d · 2 workers · http:\/\/127\.0\.0\.1:3128/);
  assert.match(await textOf(page, '#figures'), /Tunnels\s+19\s+Stalled\s+2\s+Held\s+1\s+Clients\s+21\s+Requests ok\s+1,204\s+Failed\s+15/);
  // Who does not move, and since when.
  const stalled = page.locator('#rows .badge[data-state="stalled"]');
  assert.deepEqual((await stalled.allInnerTexts()).map((text) => text.replace(/\d+:?\d*( s)?$/, '')).sort(),
    ['client is not reading · ', 'upstream sends no ACK · ']);
  // They are asked for once the status says that there are some.
  await until('the held request is there', async () => await page.locator('#held').getByText('registry-1').isVisible());
  assert.match(await textOf(page, '#held'), /Held requests\s+registry-1\.docker\.io:443 from 10\.0\.0\.19:40019, for \d+ s/);
  // Why it is down.
  const card = page.locator('.card', {hasText: 'office'});
  assert.match(await card.innerText(), /down\s.*did not answer within 5 s, three times in a row\s+down for \d+:\d\d · breaker open · probe failed/s);
  assert.match(await card.locator('.spark').getAttribute('aria-label'), /^Time to connect: \d+ ms last, \d+ ms median of 60, \d+ ms at most$/);
  assert.match(await page.locator('.card', {hasText: 'lab'}).innerText(), /not used yet[^]*no connection yet/);
  // Each failure whole.
  assert.equal(await page.locator('.failure').count(), 3);
  assert.match(await page.locator('.failure').nth(1).innerText(),
    /1 min ago\s+504\s+connection_timeout\s+CONNECT ghcr\.io:443\s+upstream http:\/\/proxy.office.example:3128 did not answer within 5 s; office passed over, tunnel refused the connection\s+Hint: is the VPN up\? [^]*connect 10\.20\.0\.5:3128: 5000 ms\s+10\.0\.0\.9:50124 · via office · while: connecting/);
  // 120 points each way.
  for (const way of ['down', 'up']) {
    assert.equal((await page.locator(`#chart .line.${way}`).getAttribute('d')).split(/[ML]/).length, 121);
  }
  assert.deepEqual(await page.locator('#chart text').allTextContents(), ['0', '25 MiB/s', '50 MiB/s', 'now', '−2 min', '−4 min', '−6 min', '−8 min', '−10 min']);
  await stage.checkQuiet();
});

test('a point of the chart is told', {}, async (stage) => {
  const page = await stage.set();
  const box = await page.locator('#chart').boundingBox();
  await page.mouse.move(box.x + 200, box.y + 80);
  await until('a time is told', async () => /min|\d:\d\d ago/.test(await textOf(page, '#legend .when')));
  await page.mouse.move(box.x + 200, box.y - 60);
  await until('it is now again', async () => await textOf(page, '#legend .when') === 'now');
  await stage.checkQuiet();
});

test('it updates by itself', {}, async (stage) => {
  const page = await stage.set();
  const {world} = stage;
  const pulled = world.add({target: 'pulled.example:443', rate_down: 9e6, state: 'moving'});
  await rowOf(page, 'pulled.example:443').waitFor();
  const bytes = () => rowOf(page, 'pulled.example:443').locator('.c-bytes').innerText();
  const before = await bytes();
  await until('more bytes have moved', async () => await bytes() !== before);
  await until('the number of tunnels is told', async () => /Tunnels\s+13\s/.test(await textOf(page, '#figures')));
  world.stall(pulled, 'client', 'does_not_read', 31, 'the client has not read for 31 s');
  await until('the stall is told', async () => /client is not reading · \d/.test(await rowOf(page, 'pulled.example:443').innerText()));
  await until('who listens hears of it', async () => await textOf(page, '#announcer') === 'Stalled tunnels: 1');
  world.tunnels.splice(world.tunnels.indexOf(pulled), 1);
  await rowOf(page, 'pulled.example:443').waitFor({state: 'detached'});
  world.history.down.push(900e6);
  world.history.down.shift();
  await until('the chart goes on', async () => (await page.locator('#chart text').allTextContents()).includes('1 GiB/s'));
  stage.mock.change(world.upstreams[0], {state: 'down', reason: 'no answer to the last three requests'});
  await until('the upstream is told to be down', async () =>
    /down\s[^]*no answer to the last three/.test(await page.locator('.card', {hasText: 'tunnel'}).first().innerText()));
  await stage.checkQuiet();
});

test('a failure is shown as it happens, with its hint', {}, async (stage) => {
  const page = await stage.set();
  assert.equal(await textOf(page, '#no-failures'), 'No request has failed.');
  stage.mock.fail({target: 'quay.io:443'});
  const failure = page.locator('.failure').first();
  await failure.waitFor();
  const text = await failure.innerText();
  assert.match(text, /502\s+connection_refused\s+CONNECT quay\.io:443/);
  assert.match(text, /upstream socks5:\/\/127\.0\.0\.1:1080 refused the connection/);
  assert.match(text, /Hint: is the tunnel up\? ssh -D 1080 would listen there/);
  await until('who listens hears of it', async () => /A request for quay\.io:443 failed: /.test(await textOf(page, '#announcer')));
  stage.mock.fail({target: 'later.example:443', hint: null});
  await until('the newest is first', async () => /later\.example/.test(await failure.innerText()));
  assert.equal(await failure.locator('.hint').isVisible(), false);
  for (let at = 0; at < 120; ++at) stage.mock.fail({target: `many-${at}.example:443`});
  await until('all have come', async () => /many-119/.test(await failure.innerText()));
  assert.equal(await page.locator('.failure').count(), 100);
  await stage.checkQuiet();
});

test('the table is sorted and filtered by the proxy', {}, async (stage) => {
  const page = await stage.set();
  const {world} = stage;
  const expected = (query) => world.window(new URLSearchParams(query)).tunnels.map((tunnel) => tunnel.target);
  const sorts = async (name, sort, order) => {
    await page.getByRole('columnheader', {name}).getByRole('button').click();
    assert.equal(await page.getByRole('columnheader', {name}).getAttribute('aria-sort'), order);
    assert.equal(await page.locator('th[aria-sort]').count(), 1);
    await until(`it is sorted by ${sort}`, async () => (await targetsOf(page)).join() === expected({sort}).join());
  };
  assert.equal(await page.getByRole('columnheader', {name: 'Rate'}).getAttribute('aria-sort'), 'descending');
  await sorts('Target', 'target', 'ascending');
  await sorts('Target', '-target', 'descending');
  await sorts('Age', '-age', 'descending');
  await sorts('Age', 'age', 'ascending');
  await sorts('State', '-state', 'descending');
  await sorts('Bytes', '-bytes', 'descending');
  await page.getByRole('searchbox').fill('GHCR');
  await until('the others are gone', async () => (await targetsOf(page)).join() === expected({sort: '-bytes', filter: 'ghcr'}).join());
  assert.equal(await textOf(page, '#tunnel-count'), '1 of 12');
  await page.getByRole('searchbox').fill('<b>no such</b>');
  await until('none is left', async () => await page.locator('#no-tunnels').isVisible());
  assert.equal(await textOf(page, '#no-tunnels'), 'No tunnel matches “<b>no such</b>”.');
  await page.getByRole('searchbox').fill('');
  await until('all are there', async () => (await targetsOf(page)).length === 12);
  await stage.checkQuiet();
});

test('rows stay where they are while one is pointed at, or has the focus', {}, async (stage) => {
  const page = await stage.set();
  const {world} = stage;
  const order = async () => (await targetsOf(page)).join();
  const turn = () => {
    for (const [at, tunnel] of world.tunnels.entries()) Object.assign(tunnel, {state: 'moving', rate_down: (at + 1) * 1e6 * (1 + world.pid % 2)});
  };
  await page.locator('#rows tr').nth(3).hover();
  await page.locator('#order-kept').waitFor();
  const before = await targetsOf(page);
  turn();
  const first = world.tunnels[0];
  world.tunnels.shift();
  world.add({target: 'newcomer.example:443', rate_down: 9e9, state: 'moving'});
  await rowOf(page, first.target).locator('.badge[data-state="ended"]').waitFor();
  assert.deepEqual((await targetsOf(page)).slice(0, 12), before);
  await page.mouse.move(5, 5);
  await until('the newcomer is first', async () => (await targetsOf(page))[0] === 'newcomer.example:443');
  assert.ok(!(await targetsOf(page)).includes(first.target));
  await page.locator('#rows .name').nth(4).focus();
  const focused = await page.evaluate(() => document.activeElement.innerText);
  const kept = await order();
  for (const tunnel of world.tunnels) tunnel.rate_down = 1e8 - tunnel.rate_down / 1e3;
  await pause(2500);
  assert.equal(await order(), kept);
  assert.equal(await page.evaluate(() => document.activeElement.innerText), focused);
  await page.getByRole('searchbox').focus();
  await until('the order is another', async () => await order() !== kept);
  await stage.checkQuiet();
});

test('pause: nothing changes, and nothing is asked', {}, async (stage) => {
  const page = await stage.set();
  const {world} = stage;
  const button = page.getByRole('button', {name: 'Pause'});
  await button.click();
  assert.equal(await button.getAttribute('aria-pressed'), 'true');
  assert.equal(await textOf(page, '#state'), 'paused');
  await until('the stream is closed', () => stage.mock.streams.size === 0);
  await untilNothingIsAsked(world);
  const rows = await textOf(page, '#rows');
  world.asked.length = 0;
  world.fail();
  await pause(2200);
  assert.deepEqual(world.asked, []);
  assert.equal(await textOf(page, '#rows'), rows);
  assert.match(await textOf(page, '#about'), /^Paused [1-9]\d* s ago; what you see is from then\.$/);
  await button.click();
  await page.locator('.failure').waitFor();
  assert.equal(await textOf(page, '#state'), 'serving');
  await stage.checkQuiet();
});

test('a page that nobody sees asks nothing', {}, async (stage) => {
  const page = await stage.set();
  const {world} = stage;
  const hide = (hidden) => page.evaluate((value) => {
    Object.defineProperty(document, 'hidden', {value, configurable: true});
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);
  await hide(true);
  await until('the stream is closed', () => stage.mock.streams.size === 0);
  await untilNothingIsAsked(world);
  world.asked.length = 0;
  world.fail();
  await pause(2200);
  assert.deepEqual(world.asked, []);
  await hide(false);
  await page.locator('.failure').waitFor();
  await stage.checkQuiet();
});

test('a tunnel is ended after a yes', {}, async (stage) => {
  const page = await stage.set();
  const {world} = stage;
  const {id} = world.add({target: 'doomed.example:443', rate_down: 9e7, state: 'moving'});
  const end = page.getByRole('button', {name: 'End the tunnel to doomed.example:443'});
  await end.click();
  const dialog = page.getByRole('alertdialog');
  assert.match(await dialog.innerText(), /End the tunnel to doomed\.example:443\?\s+Client 10\.0\.0\.13:40013 loses this connection at once/);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'ask-no');
  await page.keyboard.press('Enter');
  await dialog.waitFor({state: 'hidden'});
  assert.deepEqual(world.done, []);
  // From its details.
  await rowOf(page, 'doomed.example:443').locator('.name').click();
  await page.locator('#details').getByRole('button', {name: 'End tunnel'}).click();
  await dialog.getByRole('button', {name: 'End tunnel'}).click();
  await dialog.waitFor({state: 'hidden'});
  assert.deepEqual(world.done, [`/api/v1/tunnels/${id}/end`]);
  assert.equal(await textOf(page, '#announcer'), 'The tunnel to doomed.example:443 was ended.');
  await page.mouse.move(5, 5);
  await page.getByRole('searchbox').focus();
  await end.waitFor({state: 'detached'});
  await stage.checkQuiet();
});

test('what the proxy refuses to do is told', {}, async (stage) => {
  const page = await stage.set();
  const {world} = stage;
  const doomed = world.add({target: 'doomed.example:443', rate_down: 9e7, state: 'moving'});
  await page.getByRole('button', {name: 'End the tunnel to doomed.example:443'}).click();
  world.tunnels.splice(world.tunnels.indexOf(doomed), 1);
  const dialog = page.getByRole('alertdialog');
  await dialog.getByRole('button', {name: 'End tunnel'}).click();
  await until('the reason is told', async () => await textOf(page, '#ask-problem') === `Not done: there is no tunnel ${doomed.id}`);
  await page.keyboard.press('Escape');
  await dialog.waitFor({state: 'hidden'});
  // Chromium tells of the 404; nothing else.
  stage.complaints = stage.complaints.filter((complaint) => !/status of 404/.test(complaint));
  await stage.checkQuiet();
});

test('an upstream is marked down, and up again', {}, async (stage) => {
  const world = new World();
  const name = 'a/b ü?#%2f';
  world.upstreams.push(world.upstream(name, 'http://h.example:8080', 'http', {tunnels: 3}));
  const page = await stage.set({world});
  const dialog = page.getByRole('alertdialog');
  const card = page.locator('.card').nth(2);
  await page.getByRole('button', {name: `Mark down: ${name}`}).click();
  assert.match(await dialog.innerText(), /Mark upstream a\/b ü\?#%2f down\?\s+New requests pass it over until it is marked up again\. Its open tunnels \(3\) go on\./);
  await dialog.getByRole('button', {name: 'Mark down'}).click();
  await dialog.waitFor({state: 'hidden'});
  await until('it is marked down', async () => /marked down\s[^]*marked down by an operator/.test(await card.innerText()));
  await page.getByRole('button', {name: `Mark up: ${name}`}).click();
  await dialog.getByRole('button', {name: 'Mark up'}).click();
  await until('it is up', async () => await card.locator('.badge').innerText() === 'up');
  const encoded = encodeURIComponent(name);
  assert.deepEqual(world.done, [`/api/v1/upstreams/${encoded}/down`, `/api/v1/upstreams/${encoded}/up`]);
  await stage.checkQuiet();
});

test('nothing can be done where actions are not allowed', {}, async (stage) => {
  const page = await stage.set({world: new World({actionsAllowed: false})});
  const buttons = () => page.getByRole('button', {name: /^(End|Mark)/}).count();
  assert.equal(await buttons(), 0);
  await page.locator('#rows .name').first().click();
  await page.locator('#details').waitFor();
  assert.equal(await buttons(), 0);
  await page.keyboard.press('Escape');
  stage.world.actionsAllowed = true;
  await until('the buttons are there', async () => await buttons() === 14);
  await stage.checkQuiet();
});

test('all that is known of a tunnel', {}, async (stage) => {
  const world = new World();
  const tunnel = world.add({target: 'stuck.example:443', user: 'bob', rate_down: 1, age_seconds: 99962});
  world.stall(tunnel, 'client', 'does_not_read', 41, 'the client has not read for 41 s: 256 KiB wait for it');
  const page = await stage.set({world});
  await page.getByRole('button', {name: 'stuck.example:443, details'}).click();
  const dialog = page.locator('#details');
  const text = await dialog.innerText();
  assert.match(text, /^stuck\.example:443\s+State\s+client is not reading · [\d:]+( s)?\s+Client\s+10\.0\.0\.13:40013\s+User\s+bob\s+Upstream\s+tunnel/);
  assert.match(text, /Age\s+1 d 03:46\s+Stage\s+in the tunnel\s+Waits for the client\s+256 KiB/);
  assert.match(text, /the client has not read for 41 s: 256 KiB wait for it/);
  Object.assign(tunnel, {state: 'moving', stall: null});
  await until('it moves', async () => /State\s+moving/.test(await dialog.innerText()));
  await page.keyboard.press('Escape');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'name');
  await stage.checkQuiet();
});

/// What has the focus, one Tab after the other, until that leaves the page or comes to its beginning again.
async function walk(page) {
  await page.evaluate(() => document.activeElement.blur());
  const seen = [];
  for (let step = 0; step < 200; ++step) {
    await page.keyboard.press('Tab');
    const found = await page.evaluate(() => {
      const node = document.activeElement;
      if (node === document.body) return null;
      const style = getComputedStyle(node);
      const box = node.getBoundingClientRect();
      node.walked = (node.walked ?? 0) + 1;
      return {
        name: node.id || node.getAttribute('aria-label') || node.innerText, again: node.walked > 1,
        outlined: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
        inView: box.width > 0 && box.height > 0 && box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth,
      };
    });
    if (found === null || found.again) break;
    seen.push(found);
  }
  return seen;
}

test('by the keyboard alone', {anywhere: true}, async (stage) => {
  const page = await stage.set({world: new World({tunnels: 4})});
  if (!REAL) await until('all rows are there', async () => (await targetsOf(page)).length === 4);
  const seen = await walk(page);
  const names = seen.map((one) => one.name);
  assert.deepEqual(names.slice(0, 4), ['Skip to the tunnels', 'Skip to the failures', 'pause', 'language']);
  assert.deepEqual(seen.filter((one) => !one.outlined || !one.inView), []);
  const from = names.indexOf('filter');
  assert.deepEqual(names.slice(from, from + 10), ['filter', 'scroller', 'Target', 'Client', 'Upstream', 'State', 'Rate ↓ ↑', 'Bytes ↓ ↑', 'Last moved',
    'Age']);
  if (!REAL) {
    // Each row: its details and its end; each upstream: its mark.
    assert.equal(names.filter((name) => /, details$/.test(name)).length, 4);
    assert.equal(names.filter((name) => /^End the tunnel to/.test(name)).length, 4);
    assert.equal(names.filter((name) => /^Mark down: /.test(name)).length, 2);
  }
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'tunnels');
  if (!REAL) {
    // The whole way of an action.
    const end = page.locator('#rows .c-end button').first();
    await end.focus();
    const client = await page.evaluate(() => document.activeElement.closest('tr').querySelector('.c-client').innerText);
    const {id} = stage.world.tunnels.find((tunnel) => client.endsWith(tunnel.client));
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'ask-yes');
    await page.keyboard.press('Enter');
    await page.getByRole('alertdialog').waitFor({state: 'hidden'});
    assert.deepEqual(stage.world.done, [`/api/v1/tunnels/${id}/end`]);
    await until('its row says so', async () => await page.locator('#rows .badge[data-state="ended"]').count() === 1);
    // Whoever asked for it is where they were.
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-disabled')), 'true');
  }
  await stage.checkQuiet();
});

test('in Chinese by the browser, and in the other language by the button', {anywhere: true}, async (stage) => {
  const page = await stage.set({world: busyWorld(), locale: 'zh-CN'});
  const english = /\b(Throughput|Upstreams?|Tunnels?|Last|Pause|State|Client|Age|Hint|now|ago|moving|quiet|serving|Mark|End|Filter)\b/;
  assert.equal(await page.locator('html').getAttribute('lang'), 'zh-Hans');
  const own = () => page.evaluate(() => {
    const copy = document.body.cloneNode(true);
    // What the proxy says, and names, are not the page's.
    for (const node of copy.querySelectorAll('#language, [lang="en"], script, noscript, bdi, code')) node.remove();
    const labels = [...copy.querySelectorAll('[aria-label], [placeholder]')].map((node) => `${node.getAttribute('aria-label')} ${node.placeholder ?? ''}`);
    return `${copy.innerText} ${labels.join(' ')}`;
  });
  assert.doesNotMatch(await own(), english);
  assert.deepEqual(await textsOf(page, 'h2:visible'), ['最近十分钟的吞吐量', '上游', '隧道', '最近的失败']);
  assert.equal(await textOf(page, '#language'), 'English');
  await page.locator('#language').click();
  assert.equal(await page.locator('html').getAttribute('lang'), 'en');
  assert.deepEqual(await textsOf(page, 'h2:visible'), ['Throughput, last ten minutes', 'Upstreams', 'Tunnels', 'Last failures']);
  assert.doesNotMatch(await own(), /[\u4e00-\u9fff]/);
  // For the next visit as well.
  const next = await stage.open();
  assert.equal(await next.locator('html').getAttribute('lang'), 'en');
  await stage.checkQuiet();
});

test('from 375 to 1,920 pixels', {anywhere: true}, async (stage) => {
  const world = busyWorld();
  for (const target of HOSTILE) {
    world.add({target, client: '[2001:db8:1234:5678:9abc:def0:1234:5678]:65535', rate_down: 5e9, state: 'moving'});
    world.fail({target, explanation: `${target} ${target}`});
  }
  for (const upstream of world.upstreams) upstream.label = `http://${'a-long-name.'.repeat(12)}example:3128`;
  const page = await stage.set({world, width: WIDTHS[0]});
  for (const width of WIDTHS) {
    await page.setViewportSize({width, height: 900});
    await pause(200);
    const found = await page.evaluate(() => {
      const width = document.documentElement.clientWidth;
      const isCut = (node) => {
        for (let one = node; one; one = one.parentElement) {
          if (getComputedStyle(one).overflowX !== 'visible' && one !== document.documentElement) return true;
        }
        return false;
      };
      const beyond = [...document.querySelectorAll('body *:not(.unseen, .skip, option)')].filter((node) =>
        node.getBoundingClientRect().right > width + 0.5 && !isCut(node));
      // Numbers are never cut: all of theirs is in view.
      const cut = [...document.querySelectorAll('#rows td:is(.c-rate, .c-bytes, .c-age, .c-quiet), #figures dd')].filter((node) =>
        node.scrollWidth > node.clientWidth + 1);
      const numbers = [...document.querySelectorAll('#rows .c-rate .number.down')].map((node) => node.getBoundingClientRect());
      return {
        scrolls: document.documentElement.scrollWidth > width, beyond: beyond.map((node) => node.outerHTML.slice(0, 120)),
        cut: cut.map((node) => node.innerText), ends: new Set(numbers.map((box) => Math.round(box.right))).size,
        tabular: getComputedStyle(document.querySelector('#figures dd')).fontVariantNumeric,
        heights: new Set([...document.querySelectorAll('#rows tr:not(.spacer)')].map((row) => row.getBoundingClientRect().height)).size,
      };
    });
    assert.deepEqual({width, ...found}, {width, scrolls: false, beyond: [], cut: [], ends: found.ends && 1, tabular: 'tabular-nums',
      heights: found.heights && 1});
  }
  await stage.checkQuiet();
});

for (const colorScheme of ['light', 'dark']) {
  test(`axe finds nothing in the ${colorScheme} theme`, {anywhere: true}, async (stage) => {
    const world = busyWorld();
    world.add({target: ''});
    const page = await stage.set({world, colorScheme});
    const background = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    assert.equal(background, colorScheme === 'dark' ? 'rgb(14, 18, 23)' : 'rgb(244, 246, 248)');
    const look = async (what) => {
      const found = await page.evaluate(async () => {
        const {violations} = await globalThis.axe.run(document, {resultTypes: ['violations']});
        return violations.map(({id, nodes}) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join('\n')}`);
      });
      assert.deepEqual(found, [], what);
    };
    // By the debugger, so that the page's policy has no say.
    await page.evaluate(axe);
    await look('as it is');
    await page.setViewportSize({width: 375, height: 800});
    await pause(200);
    await look('narrow');
    if (REAL) return stage.checkQuiet();
    await page.locator('#rows .name').first().click();
    await look('with details');
    await page.keyboard.press('Escape');
    await page.locator('#rows .c-end button').first().click();
    await look('with a question');
    await page.keyboard.press('Escape');
    await page.setViewportSize({width: 1280, height: 900});
    await page.getByRole('button', {name: 'Pause'}).click();
    await look('paused');
    await page.getByRole('button', {name: 'Pause'}).click();
    world.upstreams.length = world.tunnels.length = world.failures.length = world.history.up.length = world.history.down.length = 0;
    await page.reload();
    await page.locator('#no-tunnels:visible').waitFor();
    await page.evaluate(axe);
    await look('with nothing to show');
    return stage.checkQuiet();
  });
}

test('foreign names and texts are text', {}, async (stage) => {
  const world = new World({tunnels: 0});
  for (const text of HOSTILE) {
    world.add({target: text, client: text, user: text, upstream: text, method: text, state: 'held', age_seconds: 3});
    world.fail({target: text, client: text, upstream: text, method: text, outcome: text, explanation: text, hint: text, detail: text, stage: text});
    world.upstreams.push(world.upstream(text, text, 'http', {state: 'down', reason: text}));
  }
  world.requests[HOSTILE[0]] = 3;
  world.stall(world.tunnels[0], 'client', 'does_not_read', 40, HOSTILE[0]);
  world.notReady = HOSTILE[0];
  const page = await stage.set({world});
  await page.locator('.failure').nth(4).waitFor();
  await page.locator('.card').nth(6).waitFor();
  await until('the rows are there', async () => (await targetsOf(page)).length === 5);
  const visible = (text) => text.replace(/[\u200b\u202e\u202c]/g, (character) => `\\u{${character.codePointAt(0).toString(16)}}`);
  assert.deepEqual((await page.locator('#rows .name').evaluateAll((nodes) => nodes.map((node) => node.textContent))).sort(), HOSTILE.map(visible).sort());
  const titles = await page.locator('#rows .name').evaluateAll((nodes) => nodes.map((node) => node.title));
  assert.deepEqual(titles.sort(), HOSTILE.map(visible).sort());
  const whole = await page.evaluate(() => document.body.innerText);
  assert.doesNotMatch(whole, /[\u200b\u202a-\u202e\u2066-\u2069]/);
  assert.ok((await textOf(page, '.failure >> nth=4')).includes(HOSTILE[0]));
  assert.equal(await textOf(page, '#about'), HOSTILE[0]);
  await page.locator('#rows .name', {hasText: 'onerror'}).click();
  assert.equal(await textOf(page, '#details-text'), HOSTILE[0]);
  await page.keyboard.press('Escape');
  await page.locator('#rows tr', {hasText: 'onerror'}).locator('.c-end button').click();
  await page.getByRole('alertdialog').waitFor();
  assert.equal(await page.locator('img, script:not([type="module"])').count(), 0);
  assert.notEqual(await page.title(), 'owned');
  await stage.checkQuiet();
});

test('its policy stops what might get in all the same', {anywhere: true}, async (stage) => {
  const page = await stage.set();
  await page.evaluate(() => {
    const script = document.createElement('script');
    try {
      script.textContent = 'globalThis.owned = true';
    } catch {
      // Trusted types forbid it.
    }
    document.body.append(script);
    const image = new Image();
    image.src = '/api/v1/status';
    document.body.setAttribute('style', 'margin: 99px');
  });
  await until('the policy has reported all three', async () => (await page.evaluate(() => globalThis.policyReports.length)) >= 3);
  assert.equal(await page.evaluate(() => globalThis.owned), undefined);
  assert.notEqual(await page.evaluate(() => getComputedStyle(document.body).marginTop), '99px');
});

test('4,000 tunnels: rows for those in view alone', {}, async (stage) => {
  const world = new World({tunnels: 4000});
  const page = await stage.set({world});
  await page.getByRole('columnheader', {name: 'Target'}).getByRole('button').click();
  const expected = () => world.window(new URLSearchParams({sort: 'target', limit: 500, offset: 0})).tunnels[0].id;
  const scroller = page.locator('#scroller');
  const rows = () => page.locator('#rows tr:not(.spacer)').count();
  assert.equal(await textOf(page, '#tunnel-count'), '4,000 open');
  const height = await scroller.evaluate((node) => node.scrollHeight);
  assert.ok(Math.abs(height - 34 - 4000 * 34) < 10, `${height}`);
  assert.ok(expected() > 0);
  for (const at of [500, 2000, 3999]) {
    await scroller.evaluate((node, top) => { node.scrollTop = top; }, at * 34);
    const row = page.locator(`#rows tr[aria-rowindex="${at + 2}"]`);
    await row.locator('.name').waitFor();
    const wanted = world.window(new URLSearchParams({sort: 'target', limit: 1, offset: at})).tunnels[0];
    await until('the row is the right one', async () => (await row.locator('.c-client').innerText()).endsWith(wanted.client));
    assert.ok(await rows() < 80, `${await rows()} rows`);
    assert.equal(await scroller.evaluate((node) => node.scrollHeight), height);
  }
  assert.equal(await page.locator('#table').getAttribute('aria-rowcount'), '4001');
  // Never more than some pages of them are asked for, and never the same all over again at once.
  await page.keyboard.press('Tab');
  world.asked.length = 0;
  const begin = Date.now();
  await pause(2500);
  const asked = world.asked.filter((path) => path === '/api/v1/tunnels').length;
  assert.ok(asked <= (Date.now() - begin) / 1000 + 2, `asked ${asked} times`);
  await stage.checkQuiet();
});

test('rows stay up to date while their order is kept, wherever they stand by now', {}, async (stage) => {
  const world = new World({tunnels: 600});
  world.isSteady = true;
  for (const tunnel of world.tunnels) Object.assign(tunnel, {state: 'moving', rate_down: 1e6 - tunnel.id, rate_up: 0});
  const page = await stage.set({world});
  await page.locator('#rows tr').nth(3).hover();
  await page.locator('#order-kept').waitFor();
  const before = await targetsOf(page);
  const client = await page.locator('#rows .c-client').nth(2).innerText();
  const row = page.locator('#rows tr', {has: page.getByText(client, {exact: true})});
  const tunnel = world.tunnels.find((one) => client.endsWith(one.client));
  Object.assign(tunnel, {state: 'quiet', rate_down: 0, rate_up: 0, quiet_seconds: 5000});
  await row.locator('.badge[data-state="quiet"]').waitFor();
  Object.assign(tunnel, {bytes_down: 7 * 2 ** 40});
  await until('its bytes go on', async () => (await row.locator('.c-bytes').innerText()).includes('7.0 TiB'));
  assert.equal(await row.getAttribute('class'), null);
  world.tunnels.splice(world.tunnels.indexOf(tunnel), 1);
  await row.locator('.badge[data-state="ended"]').waitFor();
  assert.deepEqual(await targetsOf(page), before);
  await page.mouse.move(5, 5);
  await row.waitFor({state: 'detached'});
  await stage.checkQuiet();
});

test('the details of a tunnel stay up to date wherever it stands in the table', {}, async (stage) => {
  const world = new World({tunnels: 600});
  world.isSteady = true;
  for (const tunnel of world.tunnels) Object.assign(tunnel, {state: 'moving', rate_down: 1e6 - tunnel.id, rate_up: 0});
  const page = await stage.set({world});
  await page.locator('#rows .name').nth(2).click();
  const details = page.getByRole('dialog');
  await details.waitFor();
  const tunnel = world.tunnels[2];
  Object.assign(tunnel, {state: 'quiet', rate_down: 0, rate_up: 0, bytes_down: 7 * 2 ** 40});
  await until('its bytes go on', async () => (await details.innerText()).includes('7.0 TiB'));
  world.tunnels.splice(2, 1);
  await until('its end is told', async () => /ended/.test(await details.innerText()));
  await page.keyboard.press('Escape');
  await stage.checkQuiet();
});

test('a restart of the proxy is survived', {}, async (stage) => {
  const page = await stage.set({reducedMotion: 'reduce'});
  const {world, mock} = stage;
  world.fail({target: 'before.example:443'});
  await mock.stop();
  await until('the loss is told', async () => await textOf(page, '#state') === 'unreachable');
  await until('since when', async () => /^Connection lost, trying again\. Last heard from it \d+ s ago\.$/.test(await textOf(page, '#about')));
  await until('who listens hears of it', async () => await textOf(page, '#announcer') === 'The connection to the proxy is lost.');
  assert.deepEqual(await page.evaluate(() => document.getAnimations().filter((one) => one.playState === 'running').map((one) => one.animationName)), []);
  assert.equal((await targetsOf(page)).length, 12);
  world.begin(3);
  world.fail({target: 'after.example:443'});
  await mock.start();
  await until('it is back', async () => await textOf(page, '#state') === 'serving');
  await until('it is another one', async () => /pid 4243/.test(await textOf(page, '#about')));
  await until('its tunnels are shown', async () => (await targetsOf(page)).length === 3);
  await until('its failures are shown', async () => (await textsOf(page, '.failure .target')).join() === 'after.example:443');
  await until('who listens hears of it', async () => /pid 4243/.test(await textOf(page, '#announcer')));
  mock.fail({target: 'live.example:443'});
  await page.locator('.failure', {hasText: 'live.example'}).waitFor();
  // Chromium tells of each attempt; nothing else.
  stage.complaints = stage.complaints.filter((complaint) => !/Failed to load resource/.test(complaint));
  await stage.checkQuiet();
});

test('what is told while a list is on its way stays', {}, async (stage) => {
  const page = await stage.set();
  const {world, mock} = stage;
  const card = page.locator('.card', {hasText: 'tunnel'}).first();
  await page.locator('#pause').click();
  await until('nobody listens', () => mock.streams.size === 0);
  world.held = [];
  world.fail({target: 'before.example:443'});
  await page.locator('#pause').click();
  // Once as the page goes on, and once as the stream is open.
  await until('both lists are asked for twice', () => world.held.length === 4 && mock.streams.size === 1);
  mock.fail({target: 'meanwhile.example:443'});
  mock.change(world.upstreams[0], {state: 'down', reason: 'no answer to the last three requests'});
  await page.locator('.failure', {hasText: 'meanwhile.example'}).waitFor();
  await until('the upstream is down', async () => /no answer to the last three/.test(await card.innerText()));
  const {held} = world;
  world.held = null;
  for (const answer of held) answer();
  await page.locator('.failure', {hasText: 'before.example'}).waitFor();
  await page.evaluate(async () => (await fetch('api/v1/status')).text());
  assert.deepEqual(await textsOf(page, '.failure .target'), ['meanwhile.example:443', 'before.example:443']);
  assert.match(await card.innerText(), /no answer to the last three/);
  await stage.checkQuiet();
});

test('an orderly restart, in which nothing is lost', {}, async (stage) => {
  const page = await stage.set();
  const {world, mock} = stage;
  world.state = 'draining';
  mock.send('bye', {});
  await until('it drains', async () => await textOf(page, '#state') === 'draining');
  assert.equal(await textOf(page, '#about'), 'Draining: open tunnels go on, new requests are refused.');
  world.begin(2);
  await until('it is another one', async () => /pid 4243/.test(await textOf(page, '#about')));
  await until('its tunnels are shown', async () => (await targetsOf(page)).length === 2);
  world.notReady = 'the upstream of the default route is down: tunnel';
  await until('the reason is told', async () => await textOf(page, '#about') === world.notReady && await textOf(page, '#state') === 'not ready');
  await stage.checkQuiet();
});

test('without the stream of events it asks', {}, async (stage) => {
  const world = new World();
  world.refusesEvents = true;
  const page = await stage.set({world});
  world.add({});
  await until('the new tunnel is counted', async () => /Tunnels\s+13\s/.test(await textOf(page, '#figures')));
  assert.equal(await textOf(page, '#state'), 'serving');
  world.fail({target: 'unheard.example:443'});
  await page.locator('.failure', {hasText: 'unheard.example'}).waitFor();
  world.refusesEvents = false;
  await until('the stream is there again', () => stage.mock.streams.size === 1);
  stage.complaints = stage.complaints.filter((complaint) => !/status of 503/.test(complaint));
  await stage.checkQuiet();
});

if (REAL && process.env.CULVERT_PULL) {
  test('a pull that runs is seen to move', {anywhere: true}, async (stage) => {
    const page = await stage.set();
    const row = rowOf(page, process.env.CULVERT_PULL).first();
    await row.locator('.badge[data-state="moving"]').waitFor();
    const bytes = () => row.locator('.c-bytes').innerText();
    const before = await bytes();
    await until('more bytes have moved', async () => await bytes() !== before);
    await until('it has a rate', async () => /[1-9]/.test(await row.locator('.c-rate .down').innerText()));
    await until('the chart has begun', async () => (await page.locator('#chart .line.down').getAttribute('d')) !== '');
    await stage.checkQuiet();
  });
}

if (REAL && process.env.CULVERT_FAILURE) {
  test('a failure is shown with its hint', {anywhere: true}, async (stage) => {
    const page = await stage.set();
    await page.locator('.failure', {hasText: process.env.CULVERT_FAILURE}).first().waitFor();
    await stage.checkQuiet();
  });
}

async function runOne({name, run}) {
  const stage = new Stage();
  const begin = Date.now();
  let problem = null;
  try {
    await run(stage);
  } catch (caught) {
    problem = caught;
  }
  await stage.strike().catch(() => {});
  console.log(`${problem ? 'FAILED' : 'ok'} ${((Date.now() - begin) / 1000).toFixed(1)} s  ${name}`);
  if (problem) console.log(`${problem.stack}\n${(stage.complaints ?? []).join('\n')}`);
  return problem === null;
}

const pattern = new RegExp(process.env.TEST ?? '');
const left = tests.filter(({name, anywhere}) => pattern.test(name) && (anywhere || !REAL));
const results = [];
const begin = Date.now();
await Promise.all(Array.from({length: AT_ONCE}, async () => {
  while (left.length > 0) results.push(await runOne(left.shift()));
}));
await browser.close();
const failed = results.filter((result) => !result).length;
console.log(`${results.length} tests, ${failed} failed, ${((Date.now() - begin) / 1000).toFixed(1)} s`);
process.exit(failed > 0 || results.length === 0 ? 1 : 0);
