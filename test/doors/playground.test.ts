import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Page, Request } from 'playwright-core';
import { startOfflineBrowser } from '../support/browser.ts';
import type { OfflineBrowser } from '../support/browser.ts';
import { sampleIdsIn } from '../../emulator/emulator.ts';
import { playgroundTabs } from '../../samples.ts';
import { betweenLooksMs, createTestGateway } from '../support/gateway.ts';
import type { TestGateway } from '../support/gateway.ts';

jest.setTimeout(120_000);

const samples = {
  ...sampleIdsIn(['us-ashburn-1']),
  progressing: 'ocid1.mysqlworkrequest.oc1.iad.playground',
};
const sampleId = samples.progressing;
const [first, second, list, cancel, liveList, wait] = playgroundTabs(samples);

/** One visitor's session: each test goes on where the one before it stopped. */
describe('the playground, in a browser that reaches no other host', () => {
  let server: TestGateway;
  let browser: OfflineBrowser;
  let page: Page;
  const violations: string[] = [];
  const pageErrors: string[] = [];
  const frames: string[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'playground-'));

  beforeAll(async () => {
    server = await createTestGateway({ samples });
    server.emulator.createWorkRequest({
      service: 'MYSQL',
      region: 'us-ashburn-1',
      id: sampleId,
      script: [{ status: 'IN_PROGRESS' }],
    });
    browser = await startOfflineBrowser();
    page = await browser.context.newPage();
    page.on('pageerror', (error) => pageErrors.push(error.message));
    page.on('websocket', (socket) =>
      socket.on('framereceived', ({ payload }) => frames.push(String(payload))),
    );
    await page.exposeFunction('reportViolation', (text: string) => {
      // Altair's copy of zod tries at every start whether it may compile code, and goes without when it may not.
      if (text !== 'script-src eval') violations.push(text);
    });
    await page.addInitScript(`document.addEventListener('securitypolicyviolation', (event) =>
      reportViolation(event.effectiveDirective + ' ' + event.blockedURI))`);
    await page.goto(`${server.url}/playground`);
  });

  afterAll(async () => {
    await browser?.stop();
    await server?.stop();
    rmSync(folder, { recursive: true });
  });

  const visible = (selector: string) => page.locator(selector).filter({ visible: true });
  const answers = () => visible('.query-result__list-item');
  const inFront = (name: string) =>
    page
      .locator('.window-switcher__item--active .window-switcher__input')
      .getByText(name, { exact: true })
      .waitFor();

  /** Presses "Send Request" and waits for the POST that it causes; introspection is none of it. */
  const send = async () => {
    const isOperation = (request: Request) =>
      request.method() === 'POST' && !operationOf(request).query.includes('__schema');
    const [request] = await Promise.all([
      page.waitForRequest(isOperation),
      visible('[track-id=set_request]').click(),
    ]);
    return request;
  };

  /** Types into one of Altair's editors, and waits until it has taken it all. */
  const retype = async (editor: string, text: string) => {
    const content = visible(`${editor} .cm-content`).first();
    await content.click();
    await visible(`${editor} .cm-focused`).first().waitFor();
    await page.keyboard.press('Control+A');
    await page.keyboard.insertText(text);
    await content.getByText(text).waitFor();
  };

  test('opens with the first tab in front and the second beside it', async () => {
    await inFront(first!.name);
    await page.getByText(second!.name, { exact: true }).waitFor();
    await visible('app-query-editor').getByText('workRequest', { exact: true }).first().waitFor();
  });

  test('runs the query of the first tab with its variables and shows the answer', async () => {
    const request = await send();

    expect(operationOf(request).query.trim()).toBe(first!.query.trim());
    expect(operationOf(request).variables).toEqual(first!.variables);
    await answers().getByText('"status"').waitFor();
    expect((await request.response())?.status()).toBe(200);
  });

  test('shows markup in the words of upstream as text', async () => {
    const markup = '<img src=x onerror=wasInjected=1 id=injected>';
    server.emulator.addFault({ service: 'MYSQL', status: 400, message: markup });
    const response = await (await send()).response();
    server.emulator.clearFaults();
    expect(response?.headers()).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'x-content-type-options': 'nosniff',
    });
    await answers().getByText(markup).first().waitFor();
    expect(await page.evaluate(`[document.querySelector('#injected'), 'wasInjected' in globalThis]`)).toEqual(
      [null, false],
    );
  });

  test('sends the variables and the header that the visitor typed', async () => {
    await visible('[track-id=toggle_variables]').click();
    await retype('app-variables-editor', '{ "id": "ocid1.absent" }');
    await page.getByLabel('Set Headers').click();
    await retype('[placeholder="Header key"]', 'x-playground');
    await retype('[placeholder="Header value"]', 'typed by hand');
    await page.getByText('Done', { exact: true }).click();
    await page.locator('.ant-modal-mask').waitFor({ state: 'detached' });

    const request = await send();

    expect(operationOf(request).variables).toEqual({ id: 'ocid1.absent' });
    expect(request.headers()).toMatchObject({
      'x-playground': 'typed by hand',
      'content-type': 'application/json',
    });
  });

  test('explains the schema in its docs', async () => {
    await visible('[track-id=show_docs]').click();
    await visible('.doc-viewer-item').getByText('Query', { exact: true }).click();
    await visible('app-doc-viewer').getByText('workRequest', { exact: true }).first().click();
    await visible('app-doc-viewer')
      .getByText(/^One work request/)
      .first()
      .waitFor();
    await visible('[track-id=show_docs]').click();
  });

  test('watches the subscription of the second tab, event by event, over graphql-ws on the same origin', async () => {
    await page.getByText(second!.name, { exact: true }).click();
    await inFront(second!.name);
    const [socket] = await Promise.all([
      page.waitForEvent('websocket'),
      visible('[track-id=set_request]').click(),
    ]);

    expect(socket.url()).toBe(`${server.url.replace('http', 'ws')}/graphql`);
    await answers().getByText('"SNAPSHOT"').waitFor();
    server.emulator.patchWorkRequest(sampleId, { status: 'SUCCEEDED' });
    await answers().nth(1).waitFor();
    expect(
      frames.filter((frame) => (JSON.parse(frame) as { type: string }).type === 'next').length,
    ).toBeGreaterThan(1);
    await answers().first().scrollIntoViewIfNeeded();
    const screenshot = process.env['PLAYGROUND_SCREENSHOT'] ?? join(folder, 'playground.png');
    await page.screenshot({ path: screenshot });
    expect(statSync(screenshot).size).toBeGreaterThan(10_000);
  });

  test('remembers what the visitor left, and which tab was in front', async () => {
    // Altair writes its state a while after each change; a reload before that would rightly bring the older one.
    // `waitForFunction` takes a promise for a yes.
    while (!(await page.evaluate(isStored(['ocid1.absent', 'SNAPSHOT'])))) await sleep(betweenLooksMs);
    await page.reload();
    await inFront(second!.name);
    await page.getByText(first!.name, { exact: true }).click();
    await visible('app-variables-editor').getByText('ocid1.absent').waitFor();
  });

  test.each([list!, cancel!])('runs what stands in the tab $name', async ({ name, query, variables }) => {
    const id = String(samples.cancelable);
    server.emulator.createWorkRequest({ service: 'CONTAINERENGINE', region: 'us-ashburn-1', id });
    await page.getByText(name, { exact: true }).click();
    await inFront(name);

    const request = await send();

    expect(operationOf(request).query.trim()).toBe(query.trim());
    expect(operationOf(request).variables).toEqual(variables);
    // As the visitor sees it: the browser does not always keep the body for whoever asks later.
    await answers()
      .getByText(name === list!.name ? id : 'CLUSTER_CREATE')
      .first()
      .waitFor();
    expect((await request.response())?.status()).toBe(200);
    expect(await answers().getByText('"errors"').count()).toBe(0);
  });

  test.each([
    { ...liveList!, word: 'SYNCED' },
    { ...wait!, word: 'SUCCEEDED' },
  ])('runs what stands in the tab $name until it says $word', async ({ name, word }) => {
    await page.getByText(name, { exact: true }).click();
    await inFront(name);
    await visible('[track-id=set_request]').click();
    await answers().getByText(`"${word}"`).first().waitFor();
  });

  test('asked no other host for anything, broke no rule of its own policy and threw nothing', () => {
    expect(browser.outsideRequests()).toEqual([]);
    expect(violations).toEqual([]);
    expect(pageErrors).toEqual([]);
  });

  test('its policy stops a script that would call another host, and inline script', async () => {
    const outcome = await page.evaluate(`(async () => {
      const violated = [];
      const bothReported = new Promise((resolve) => {
        document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) => {
          if (violated.push(effectiveDirective + ' ' + blockedURI) === 2) resolve();
        });
      });
      const fetched = await fetch('https://example.com/').then(() => 'fetched', () => 'refused');
      const script = Object.assign(document.createElement('script'), { textContent: 'globalThis.wasInjected = true' });
      document.head.append(script);
      await bothReported;
      return { fetched, wasInjected: 'wasInjected' in globalThis, violated };
    })()`);

    expect(outcome).toEqual({
      fetched: 'refused',
      wasInjected: false,
      violated: ['connect-src https://example.com/', 'script-src-elem inline'],
    });
    expect(browser.outsideRequests()).toEqual([]);
  });
});

test('without demo data visitors bring what they ask for, and are offered nothing to cancel', () => {
  const tabs = playgroundTabs(null);
  expect(tabs.map(({ name }) => name)).toEqual([
    'Work request',
    'Watch it',
    'List',
    'Live list',
    'Wait for it',
    'Services',
  ]);
  for (const { variables = {} } of tabs.slice(0, 3)) expect(JSON.stringify(variables)).toContain('ocid1.');
  expect(JSON.stringify(tabs)).toContain('…');
});

/** Runs in the page: whether the state that Altair keeps in the browser's database holds all these words. */
const isStored = (words: readonly string[]) => `(async () => {
  const settled = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const database = await settled(indexedDB.open('AltairDB'));
  const rows = JSON.stringify(await settled(database.transaction('appState').objectStore('appState').getAll()));
  database.close();
  return ${JSON.stringify(words)}.every((word) => rows.includes(word));
})()`;

function operationOf(request: Request): { readonly query: string; readonly variables?: unknown } {
  return JSON.parse(request.postData() ?? '{"query":""}') as { query: string; variables?: unknown };
}
