/** Tests are ES modules like the rest; types are stripped by swc. @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  // Machines are shared: what takes two seconds alone may take twenty beside other work.
  testTimeout: 60_000,
  // Jest keeps something of each ES module that it has loaded: a process that has run some forty files makes room for another.
  workerIdleMemoryLimit: '1GB',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/contract/'],
  // A build has a manifest of the same name.
  modulePathIgnorePatterns: ['<rootDir>/test/contract/', '<rootDir>/dist/'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2024',
          parser: { syntax: 'typescript' },
          transform: { verbatimModuleSyntax: true },
          experimental: { keepImportAttributes: true },
        },
        module: { type: 'es6' },
      },
    ],
  },
};
