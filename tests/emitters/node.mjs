// Loads one emitted file in its library and compares the pool it makes with the plan: 9 connections, 1 kept, 7 s.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';

const [target, folder] = process.argv.slice(2);
const file = path.join(folder, fs.readdirSync(folder)[0]);

// TypeScript without types is JavaScript; the generated client is the application's own.
const load = async (name) => {
  const copy = path.join(folder, name);
  if (copy !== file) fs.copyFileSync(file, copy);
  return import(copy);
};

const checks = {
  'node-pg': async () => {
    const { pool, close } = await load('pool.mjs');
    assert.deepEqual([pool.options.max, pool.options.min, pool.options.statement_timeout], [9, 1, 7000]);
    assert.equal(pool.options.application_name, 'shop');
    assert.deepEqual([pool.options.connectionTimeoutMillis, pool.options.idleTimeoutMillis], [10000, 300000]);
    await close();
  },
  knex: async () => {
    const { default: knex } = await import('knex');
    const { default: settings } = await load('knexfile.mjs');
    const db = knex(settings);
    assert.deepEqual([db.client.pool.max, db.client.pool.min], [9, 1]);
    assert.equal(db.client.connectionSettings.application_name, 'shop');
    await db.destroy();
  },
  'postgres-js': async () => {
    const { sql, close } = await load('db.mjs');
    assert.deepEqual([sql.options.max, sql.options.idle_timeout, sql.options.prepare], [9, 300, true]);
    assert.equal(sql.options.connection.statement_timeout, 7000);
    assert.equal(sql.options.connection.application_name, 'shop');
    await close();
  },
  prisma7: async () => {
    fs.mkdirSync(path.join(folder, 'generated/prisma'), { recursive: true });
    fs.writeFileSync(path.join(folder, 'generated/prisma/client.js'), 'module.exports.PrismaClient = class { constructor(o) { this.o = o; } };');
    const { adapter, prisma } = await load('prisma.mjs');
    assert.equal(prisma.o.adapter, adapter);
    const connection = await adapter.connect();
    assert.equal(connection.underlyingDriver().options.max, 9);
    assert.equal(connection.underlyingDriver().options.application_name, 'shop');
    await connection.dispose();
  },
  prisma: async () => {
    const dotenv = await import('dotenv');
    const { expand } = await import('dotenv-expand');
    const parsed = dotenv.parse(fs.readFileSync(file));
    const env = { DB_USER: 'u', DB_PASSWORD: 'p', DB_HOST: 'h', DB_PORT: '5', DB_NAME: 'd' };
    const url = new URL(expand({ parsed, processEnv: env }).parsed.DATABASE_URL);
    assert.deepEqual([url.username, url.password, url.host, url.pathname], ['u', 'p', 'h:5', '/d']);
    assert.equal(url.searchParams.get('connection_limit'), '9');
    assert.equal(url.searchParams.get('options'), '-c statement_timeout=7000');
    assert.equal(url.searchParams.get('application_name'), 'shop');
  },
};
await checks[target]();
