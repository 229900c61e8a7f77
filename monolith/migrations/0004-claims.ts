import type { QueryInterface } from 'sequelize';

// What a purchase claims belongs to (user, idempotency key), whichever process placed it; `attempt` is the last claimant.
export const up = async ({ sequelize }: QueryInterface): Promise<void> => {
  await sequelize.query(`
    CREATE TABLE stock_reservations (
      id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
      user_id BIGINT NOT NULL,
      idempotency_key VARCHAR(80) COLLATE utf8mb4_0900_bin NOT NULL,
      product_id BIGINT NOT NULL,
      quantity INT NOT NULL,
      attempt VARCHAR(40) COLLATE utf8mb4_0900_bin NOT NULL,
      status VARCHAR(16) COLLATE utf8mb4_0900_bin NOT NULL DEFAULT 'held',
      UNIQUE KEY stock_reservations_purchase (user_id, idempotency_key, product_id),
      CHECK (status IN ('held', 'released'))
    ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`);
  await sequelize.query(`
    CREATE TABLE payments (
      id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
      user_id BIGINT NOT NULL,
      idempotency_key VARCHAR(80) COLLATE utf8mb4_0900_bin NOT NULL,
      amount DECIMAL(16,2) NOT NULL,
      status VARCHAR(16) COLLATE utf8mb4_0900_bin NOT NULL,
      attempt VARCHAR(40) COLLATE utf8mb4_0900_bin NOT NULL,
      created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
      updated_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
      UNIQUE KEY payments_purchase (user_id, idempotency_key),
      KEY payments_user_newest (user_id, created_at, id),
      CHECK (status IN ('captured', 'declined', 'refunded'))
    ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`);
};
