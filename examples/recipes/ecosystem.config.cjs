module.exports = {
  apps: [
    {
      name: 'app',
      script: 'dist/pm2-server.js',
      exec_mode: 'cluster',
      instances: 2,
      // Milliseconds. A shutdown takes up to 5 s, or 15 s if it updates the master list; the default is 1,600.
      kill_timeout: 20_000,
    },
  ],
}
