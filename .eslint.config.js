import tseslint from 'typescript-eslint'

export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', '.bench/**', 'fixtures/**', 'lib/contract/**'] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    files: ['bin/**/*.ts', 'lib/**/*.ts', 'test/**/*.ts'],
    languageOptions: { parserOptions: { project: './tsconfig.json' } },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true }
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', caughtErrors: 'none' }],
      eqeqeq: 'error',
      'no-console': 'error'
    }
  },
  {
    // whoever compiles against the package needs the types of the untyped packages too
    files: ['lib/index.ts', 'lib/testing/index.ts'],
    rules: { '@typescript-eslint/triple-slash-reference': 'off' }
  },
  {
    // the builtins of contracts capture natives without their objects, to call them with any; and a list of the rest would
    // be made of arguments on the fast ways too
    files: ['lib/sandbox/realm/**/*.ts'],
    rules: { '@typescript-eslint/unbound-method': 'off', 'prefer-rest-params': 'off' }
  },
  {
    // node:test returns promises that need not be awaited at top level
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            {
              from: 'package',
              name: ['test', 'describe', 'it', 'before', 'after', 'beforeEach', 'afterEach'],
              package: 'node:test'
            }
          ]
        }
      ],
      'no-console': 'off'
    }
  },
  { files: ['**/*.js', '**/*.mjs'], ...tseslint.configs.disableTypeChecked }
)
