module.exports = {
  apps: [
    {
      name: 'app',
      script: 'dist/pm2-server.js',
      exec_mode: 'cluster',
      instances: 2,
      // Milliseconds; the default is 1,600. A shutdown takes up to 5 s, or 15 s if it updates the
      // master list.
      kill_timeout: 20_000,
    },
  ],
}
