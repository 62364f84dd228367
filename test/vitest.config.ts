import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    include: ['test/**/*.test.ts'],
    // Tests keep no state in modules, so files may share a worker: a third of the time goes without.
    isolate: false,
    // Vitest leaves a core free; nothing else wants it.
    maxWorkers: 2,
    testTimeout: 15_000,
    hookTimeout: 20_000,
    coverage: {
      provider: 'v8',
      include: ['lib/domain/**', 'lib/dialects/**', 'lib/policies/**'],
      // The whole table is in coverage/index.html.
      reporter: ['text-summary', 'html'],
      thresholds: { lines: 95 },
    },
  },
});
