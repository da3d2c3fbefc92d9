'use strict'

const { readFileSync } = require('node:fs')
const path = require('node:path')

/** The page as browsers load it. It holds no data, so everybody may read it. */
const FOLDER = path.join(__dirname, '..', '..', '..', 'dashboard')
const HTML = readFileSync(path.join(FOLDER, 'index.html'), 'utf8')

/** The page loads nothing but its own files, and nothing may embed it. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** These replace headers that a program has set before, such as those of helmet. */
const HEADERS = {
  // An update of the package may change the files.
  'Cache-Control': 'no-cache',
  'Content-Security-Policy': POLICY,
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
}

const METHODS = ['GET', 'HEAD']

/** @type {import('./index.js').Route[]} */
const ROUTES = [
  { path: '/dashboard', methods: METHODS, open: answerPage },
  fileRoute('dashboard.js', 'text/javascript'),
  fileRoute('dashboard.css', 'text/css'),
]

/**
 * Answers with the page. Its URLs are relative, so its own must end with a slash. If the program
 * checks who may look, the page needs no secret to begin with.
 */
function answerPage({ request, options }) {
  const [pathname] = request.url.split('?', 1)
  if (!pathname.endsWith('/')) return { status: 308, parts: [], headers: { Location: 'dashboard/' } }
  const html = options.authorize ? HTML.replace('<body ', '<body data-open ') : HTML
  return fileResponse(Buffer.from(html), 'text/html')
}

function fileRoute(name, type) {
  const bytes = readFileSync(path.join(FOLDER, name))
  return { path: `/dashboard/${name}`, methods: METHODS, open: () => fileResponse(bytes, type) }
}

function fileResponse(bytes, type) {
  return { status: 200, parts: [bytes], headers: { ...HEADERS, 'Content-Type': `${type}; charset=utf-8` } }
}

module.exports = { ROUTES }
