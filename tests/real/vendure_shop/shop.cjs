// A Vendure shop on loopback, with its SQLite database in one file: `node shop.cjs PORT`. The line printed names the port.
// What it is made of lies in the folder that SHOP_MODULES names; sql.js needs no compiler, and keeps the file up to date.
const { createRequire } = require('node:module');
const { join } = require('node:path');

const core = createRequire(join(process.env.SHOP_MODULES, 'node_modules', 'shop.cjs'))('@vendure/core');

const port = Number(process.argv[2]);
const config = {
    apiOptions: { port, hostname: '127.0.0.1', adminApiPath: 'admin-api', shopApiPath: 'shop-api' },
    authOptions: {
        tokenMethod: ['bearer', 'cookie'],
        requireVerification: false,
        superadminCredentials: { identifier: process.env.SHOP_USER, password: process.env.SHOP_PASSWORD },
        cookieOptions: { secret: 'only-for-tests' },
    },
    dbConnectionOptions: {
        type: 'sqljs',
        location: process.env.SHOP_DATABASE,
        autoSave: true,
        synchronize: process.env.SHOP_PREPARE === '1',
    },
    paymentOptions: { paymentMethodHandlers: [core.dummyPaymentHandler] },
    logger: new core.DefaultLogger({ level: core.LogLevel.Error }),
};

core.bootstrap(config).then(() => console.log(`listening on ${port}`));
