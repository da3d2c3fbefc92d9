import { createHash } from 'node:crypto'
import { createServer } from 'node:http'

const MAX_LIST_BYTES = 16 * 1024 * 1024

/**
 * A minimal store for the master list: `GET` returns the list with its ETag. `PUT` replaces it if
 * the conditions `If-Match` and `If-None-Match` hold and the `Authorization` header is correct.
 * Before the first `PUT` there is no list: 404.
 */
export async function openStore({ port = 0, authorization }) {
  let list
  const server = createServer(async (request, response) => {
    if (request.method === 'GET') {
      if (list === undefined) return void response.writeHead(404).end()
      return void response
        .writeHead(200, { 'Content-Type': 'application/json', ETag: etagOf(list) })
        .end(list)
    }
    if (request.method !== 'PUT') return void response.writeHead(405, { Allow: 'GET, PUT' }).end()
    if (request.headers.authorization !== authorization) return void response.writeHead(401).end()
    const body = await bodyOf(request)
    if (!isList(body)) return void response.writeHead(400).end()
    if (!conditionsHold(request.headers, list)) return void response.writeHead(412).end()
    list = body
    response.writeHead(204, { ETag: etagOf(list) }).end()
  })
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${server.address().port}/servers.json`,
    list: () => (list === undefined ? undefined : JSON.parse(list)),
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

function etagOf(list) {
  return `"${createHash('sha256').update(list).digest('base64url').slice(0, 16)}"`
}

function conditionsHold(headers, list) {
  if (headers['if-none-match'] === '*') return list === undefined
  const expected = headers['if-match']
  return expected === undefined || (list !== undefined && expected === etagOf(list))
}

function isList(body) {
  try {
    return Array.isArray(JSON.parse(body).online)
  } catch {
    return false
  }
}

async function bodyOf(request) {
  const chunks = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    if (size > MAX_LIST_BYTES) return ''
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
