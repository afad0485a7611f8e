/**
 * Debian's chromium, headless, with every host but 127.0.0.1 blocked and every request on record: a page that asks
 * anyone else for anything shows up in `outsideRequests`.
 */
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import type { BrowserContext } from 'playwright-core';

const executablePath = '/usr/bin/chromium';

export interface OfflineBrowser {
  readonly context: BrowserContext;
  /** URLs asked for at any host other than 127.0.0.1, WebSockets and workers included. */
  outsideRequests(): readonly string[];
  stop(): Promise<void>;
}

export async function startOfflineBrowser(): Promise<OfflineBrowser> {
  if (!existsSync(executablePath)) {
    throw new Error(
      `No ${executablePath}: install it with "apt-get update && apt-get install -y chromium" and run the tests again.`,
    );
  }
  const browser = await chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
    ],
  });
  const context = await browser.newContext({ viewport: { width: 1400, height: 860 }, colorScheme: 'light' });
  // Two busy cores: what takes a second by hand can take twenty here.
  context.setDefaultTimeout(60_000);
  const outside: string[] = [];
  const record = (url: string) => {
    const { protocol, hostname } = new URL(url);
    if (protocol !== 'data:' && protocol !== 'blob:' && hostname !== '127.0.0.1') outside.push(url);
  };
  context.on('request', (request) => record(request.url()));
  context.on('page', (page) => page.on('websocket', (socket) => record(socket.url())));
  return {
    context,
    outsideRequests: () => outside,
    async stop() {
      await context.close();
      await browser.close();
    },
  };
}
