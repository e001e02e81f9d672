import { setTimeout as sleep } from 'node:timers/promises';

import pg from 'pg';
import prom from 'prom-client';
===

// The helpers, with what `npm install pg prom-client` brings.

// What passes by itself: the server was away, full, starting or stopping. A deadlock (40P01) and a serialization failure
// (40001) are none of that; add them if your transactions are written to be run again at once.
const TRANSIENT = new Set([
  '08000', '08001', '08003', '08006', '53300', '57P01', '57P03', 'ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT',
]);
const LOST = /^Connection terminated|connection error and is not queryable/;

function isTransient(error) {
  return TRANSIENT.has(error?.code) || (error?.code === undefined && LOST.test(error?.message));
}

async function attempt(work, progress) {
  const client = await pool.connect();
  let broken;
  // A connection that breaks while no query runs is reported here; without a listener it would end the process.
  const onError = (error) => {
    broken = error;
  };
  client.on('error', onError);
  try {
    await client.query('BEGIN');
    const result = await work(client);
    progress.commitSent = true;
    const { command } = await client.query('COMMIT');
    if (command !== 'COMMIT') throw new Error('rolled back: a statement of the transaction had failed');
    return result;
  } catch (error) {
    // Why it failed stays the error that is thrown, whatever becomes of the ROLLBACK.
    await client.query({ text: 'ROLLBACK', query_timeout: 5000 }).catch((failed) => {
      broken ??= failed;
    });
    throw error;
  } finally {
    client.off('error', onError);
    // Back to the pool, or closed when it is broken.
    client.release(broken);
  }
}

// Runs work(client) in one transaction.
export async function transaction(work) {
  return attempt(work, {});
}

// The same, and the whole transaction again when it was lost to what passes by itself. As work may run several times, it may
// do nothing outside of the database. Once COMMIT was sent nothing is repeated: it may have been done.
export async function transactionWithRetry(work, retries = 3) {
  for (let tries = 1; ; tries += 1) {
    const progress = { commitSent: false };
    try {
      return await attempt(work, progress);
    } catch (error) {
      if (progress.commitSent || tries > retries || !isTransient(error)) throw error;
      console.warn('transaction is run again:', error.message);
    }
    // From 1 s to 2 s, then to 4 s, then to 5 s: not everybody comes back at once.
    await sleep(1000 + Math.random() * (Math.min(5000, 1000 * 2 ** tries) - 1000));
  }
}

// A connection within 2 s; one that comes later goes back to the pool.
async function connectSoon() {
  const asked = pool.connect();
  const client = await Promise.race([asked, sleep(2000, undefined, { ref: false })]);
  if (client !== undefined) return client;
  asked.then((late) => late.release(), () => {});
  throw new Error('no connection within 2 s');
}

// Answers GET /health, in node:http and in Express. 200: the database answered, `degraded` when callers wait for a
// connection, because to take this instance away sends them to the others. 503: it did not answer, or (`degraded`) all
// connections stayed in use.
export async function health(_request, response) {
  const waiting = pool.waitingCount;
  const started = performance.now();
  let [status, code] = [waiting > 0 ? 'degraded' : 'healthy', 200];
  let client;
  try {
    client = await connectSoon();
    await client.query({ text: 'SELECT 1', query_timeout: 2000 });
    client.release();
  } catch (error) {
    client?.release(error);
    const usedUp = client === undefined && pool.idleCount === 0 && pool.totalCount >= pool.options.max;
    [status, code] = [usedUp ? 'degraded' : 'unhealthy', 503];
    console.error('database health:', error.message);
  }
  const latency_ms = Math.round(performance.now() - started);
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ status, latency_ms, total: pool.totalCount, idle: pool.idleCount, waiting }));
}

// What prom-client's registry shows of the pool.
export const connections = new prom.Gauge({
  name: 'db_pool_connections',
  help: 'Connections of the database pool, and callers that wait for one.',
  labelNames: ['state'],
  collect() {
    this.set({ state: 'total' }, pool.totalCount);
    this.set({ state: 'idle' }, pool.idleCount);
    this.set({ state: 'waiting' }, pool.waitingCount);
  },
});

// process.once('SIGTERM', () => shutdown(server)): takes no further request, waits for those that run, closes the pool. What
// is not done by then is given up.
export async function shutdown(server, milliseconds = 10000) {
  const late = setTimeout(() => process.exit(1), milliseconds);
  await new Promise((closed) => {
    server.close(closed);
  });
  await close();
  clearTimeout(late);
}
