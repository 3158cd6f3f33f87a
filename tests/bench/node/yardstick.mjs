// Holds followers as a competent Node programmer would: server-sent events on plain `http`, WebSockets on `ws`.
// Events come as JSON lines over TCP. Each is parsed, written as JSON once, and sent to all followers of its job.
//
//   node yardstick.mjs PORT FEED_PORT

import http from 'node:http'
import net from 'node:net'
import readline from 'node:readline'
import { WebSocketServer } from 'ws'

const [port, feedPort] = process.argv.slice(2).map(Number)
const HELLO = JSON.stringify({ type: 'snapshot', tick: 0 })
const streams = new Map()
const sockets = new Map()

function follow(followers, jobId, follower) {
  if (!followers.has(jobId)) followers.set(jobId, new Set())
  followers.get(jobId).add(follower)
  follower.on('close', () => followers.get(jobId).delete(follower))
  follower.on('error', () => {})
}

const server = http.createServer((request, response) => {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' })
  response.write(`event: snapshot\ndata: ${HELLO}\n\n`)
  follow(streams, request.url.slice('/stream/'.length), response)
})

const webSockets = new WebSocketServer({ server, perMessageDeflate: false })
webSockets.on('connection', (socket, request) => {
  socket.send(HELLO)
  follow(sockets, request.url.slice('/subscribe/'.length), socket)
})

function publish(event) {
  const body = JSON.stringify(event)
  const jobStreams = streams.get(event.jobId)
  if (jobStreams?.size) {
    const text = Buffer.from(`id: ${event.seq}.${event.tick}\nevent: ${event.type}\ndata: ${body}\n\n`)
    for (const response of jobStreams) response.write(text)
  }
  const jobSockets = sockets.get(event.jobId)
  if (jobSockets?.size) {
    const text = Buffer.from(body)
    for (const socket of jobSockets) socket.send(text, { binary: false })
  }
}

net.createServer((connection) => {
  connection.on('error', () => {})
  readline.createInterface({ input: connection }).on('line', (line) => publish(JSON.parse(line)))
}).listen(feedPort, '127.0.0.1')
server.listen(port, '127.0.0.1', 4096)
