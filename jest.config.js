/** Tests are ES modules like the rest; types are stripped by swc. @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  // Machines are shared: what takes two seconds alone may take ten beside other work.
  testTimeout: 20_000,
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/contract/'],
  modulePathIgnorePatterns: ['<rootDir>/test/contract/'],
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
