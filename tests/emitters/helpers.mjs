// Runs what --helpers adds to node-pg against a real server: failing statements, a server that goes away, a used up pool. The
// file is planned for 2 connections and 1 s of waiting; CLUSTER is the command that starts, stops and restarts the server.
import assert from 'node:assert/strict';
import { execSync } from 'node:child_process';
import http from 'node:http';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import pg from 'pg';
import prom from 'prom-client';

const [folder] = process.argv.slice(2);
const emitted = await import(path.join(folder, 'pool.mjs'));
const { pool, transaction, transactionWithRetry } = emitted;
const MAX = 2;

const cluster = (act) => execSync(process.env.CLUSTER.replace('ACT', act), { stdio: 'ignore' });
const outside = async (sql) => {
  const client = new pg.Client({ connectionString: process.env.DATABASE_URL, application_name: 'outside' });
  await client.connect();
  try {
    const { rows } = await client.query({ text: sql, rowMode: 'array' });
    return rows?.[0]?.[0];
  } finally {
    await client.end();
  }
};
const count = async (sql) => Number(await outside(sql));
const SESSIONS = "select count(*) from pg_stat_activity where application_name = 'shop'";
const END_ALL = "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = 'shop'";
const END_MINE = 'select pg_terminate_backend(pg_backend_pid())';

const until = async (condition) => {
  for (let tries = 0; tries < 200; tries += 1) {
    if (await condition()) return;
    await sleep(50);
  }
  assert.fail(`not within 10 s: ${condition}`);
};
// The error of a transaction, and how often it ran.
const failing = async (run, ...steps) => {
  let runs = 0;
  const work = async (client) => {
    runs += 1;
    for (const step of steps) await (typeof step === 'function' ? step(client) : client.query(step));
  };
  const error = await run(work).then(() => assert.fail(`${steps} did not fail`), (failed) => failed);
  return [error, runs];
};
const states = async () => {
  const { values } = await prom.register.getSingleMetric('db_pool_connections').get();
  return ['total', 'idle', 'waiting'].map((state) => values.find(({ labels }) => labels.state === state).value);
};
const allCanBeTaken = async () => {
  const taken = await Promise.all(Array.from({ length: MAX }, () => pool.connect()));
  taken.forEach((client) => client.release());
  assert.equal(pool.totalCount, pool.idleCount);
  assert.equal(await count(`${SESSIONS} and state like 'idle in%'`), 0);
};

await outside('create table t (n int)');
await outside('create table fatal (n int)');
await outside(`create function die() returns trigger language plpgsql as
  'begin perform pg_terminate_backend(pg_backend_pid()); return null; end'`);
await outside(`create constraint trigger doom after insert on fatal deferrable initially deferred
  for each row execute function die()`);
await emitted.warmUp();
const server = http.createServer(emitted.health).listen(0);
const health = async () => {
  const answer = await fetch(`http://127.0.0.1:${server.address().port}/health`);
  return { code: answer.status, ...(await answer.json()) };
};

// A statement that fails.
let [error, runs] = await failing(transactionWithRetry, 'insert into t values (1)', 'select 1/0');
assert.deepEqual([error.code, runs], ['22012', 1]);
assert.equal(await count('select count(*) from t'), 0);
assert.equal(await transaction(async (client) => (await client.query('insert into t values (1)')).rowCount), 1);
assert.equal(await count('select count(*) from t'), 1);

// A server that restarts in the middle of a transaction: while a query waits, and between two.
for (const wait of [() => {}, () => sleep(300)]) {
  runs = 0;
  await transactionWithRetry(async (client) => {
    runs += 1;
    await client.query('insert into t values (2)');
    if (runs === 1) cluster('restart');
    await wait();
    await client.query('insert into t values (3)');
  });
  assert.equal(runs, 2);
}
assert.equal(await count('select count(*) from t'), 5);

// A server that is away for longer than the first wait.
let away;
await transactionWithRetry(async (client) => {
  await client.query('insert into t values (4)');
  if (away === undefined) {
    cluster('stop');
    away = sleep(2200).then(() => cluster('start'));
  }
  await client.query('delete from t where n = 4');
});
await away;
assert.equal(await count('select count(*) from t'), 5);

// Its own session ends; an error of the application's own is not masked by a ROLLBACK that fails.
[error, runs] = await failing(transaction, END_MINE);
assert.deepEqual([error.code, runs], ['57P01', 1]);
const mine = new Error('mine');
const fail = async () => {
  await outside(END_ALL);
  throw mine;
};
[error] = await failing(transactionWithRetry, 'insert into t values (4)', fail);
assert.equal(error, mine);
await until(async () => (await count(SESSIONS)) <= MAX);

// A COMMIT whose fate is unknown.
[error, runs] = await failing(transactionWithRetry, 'insert into fatal values (1)');
assert.deepEqual([error.code, runs], ['57P01', 1]);

// A hundred errors.
const kinds = ['select 1/0', fail, END_MINE, 'insert into fatal values (1)'];
for (let step = 0; step < 100; step += 1) {
  await failing(transaction, 'insert into t values (5)', step % 5 === 0 ? kinds[(step / 5) % 4] : kinds[0]);
}
await allCanBeTaken();
assert.equal(await count('select count(*) from t'), 5);

// A pool that is used up.
let seen = await health();
assert.deepEqual([seen.status, seen.code], ['healthy', 200]);
assert.deepEqual(Object.keys(seen).sort(), ['code', 'idle', 'latency_ms', 'status', 'total', 'waiting']);
let taken = [await pool.connect(), await pool.connect()];
seen = await health();
assert.deepEqual([seen.status, seen.code], ['degraded', 503]);
let waiter = failing(transactionWithRetry, 'select 1');
assert.deepEqual(await states(), [MAX, 0, 1]);
[error, runs] = await waiter;
assert.deepEqual([error.message, runs], ['timeout exceeded when trying to connect', 0]);
waiter = transaction((client) => client.query('select 1'));
const asked = health();
await until(() => pool.waitingCount === 2);
taken.forEach((client) => client.release());
seen = await asked;
assert.deepEqual([seen.status, seen.code, seen.waiting], ['degraded', 200, 1]);
await waiter;
await allCanBeTaken();

// A connection that comes when nobody waits for it any more goes back.
pool.options.connectionTimeoutMillis = 10000;
taken = [await pool.connect(), await pool.connect()];
seen = await health();
assert.deepEqual([seen.status, seen.code], ['degraded', 503]);
assert.equal(pool.waitingCount, 1);
taken.forEach((client) => client.release());
await sleep(100);
await allCanBeTaken();

// What a COMMIT of a failed transaction does is no success.
[error] = await failing(transaction, (client) => client.query('select 1/0').catch(() => {}));
assert.match(error.message, /^rolled back/);

// A server that is away.
cluster('stop');
seen = await health();
assert.deepEqual([seen.status, seen.code], ['unhealthy', 503]);
cluster('start');
seen = await health();
assert.deepEqual([seen.status, seen.code], ['healthy', 200]);

// An orderly end: the request that runs is answered.
taken = await pool.connect();
const last = health();
await until(() => pool.totalCount > 1 || pool.waitingCount > 0);
taken.release();
const ended = emitted.shutdown(server);
assert.equal((await last).code, 200);
await ended;
assert.equal(pool.ended, true);
assert.equal(await count(SESSIONS), 0);
