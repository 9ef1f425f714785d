// What clients for Node understand: see parse.py.
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
const require = createRequire(import.meta.url)
const { ConnectionString } = require('mongodb-connection-string-url')
const { createPool } = require('mysql2')
const Postgres = require('pg/lib/connection-parameters.js')
const { createClient } = require('redis')
const Redis = require('ioredis')

const or = value => value === undefined || value === '' ? null : value
const clients = {
  pg: text => {
    const said = new Postgres({ connectionString: text })
    return [said.host, String(said.port), said.user, or(said.password), Boolean(said.ssl), said.database]
  },
  ioredis: text => {
    const said = new Redis(text, { lazyConnect: true }).options
    return [said.host, String(said.port), or(said.username), said.password, Boolean(said.tls), String(said.db)]
  },
  'node-redis': text => {
    const said = createClient({ url: text }).options
    return [said.socket.host, String(said.socket.port), or(said.username), said.password, said.socket.tls, String(said.database ?? 0)]
  },
  mongodb: text => {
    const said = new ConnectionString(text)
    const rest = [decodeURIComponent(said.pathname.slice(1)), said.searchParams.get('replicaSet'), said.searchParams.get('authMechanism'),
      said.searchParams.get('retryWrites') !== 'false' && said.searchParams.get('retrywrites') !== 'false']
    const [host, port] = said.hosts[0].split(':')
    return [host, or(port), decodeURIComponent(said.username), decodeURIComponent(said.password), said.searchParams.get('tls') === 'true', rest]
  },
  mysql2: text => {
    const said = createPool(text).config.connectionConfig
    return [said.host, String(said.port), said.user, said.password, Boolean(said.ssl), said.database]
  }
}
const lines = readFileSync(0, 'utf8').split('\n').filter(Boolean)
console.log(JSON.stringify(lines.map(line => { const [client, text] = line.split('\t'); return clients[client](text) })))
