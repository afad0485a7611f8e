/** Undici's pool alone, without fetch, WebSocket, cache and mocks, which its index loads with it (docs/decisions/startup.md). */
declare module 'undici/lib/dispatcher/pool.js' {
  import { Pool } from 'undici';

  export = Pool;
}
