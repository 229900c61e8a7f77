import type { QueryInterface } from 'sequelize';

export const up = async ({ sequelize }: QueryInterface): Promise<void> => {
  await sequelize.query(`
    CREATE TABLE orders (
      id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
      user_id BIGINT NOT NULL,
      idempotency_key VARCHAR(80) COLLATE utf8mb4_0900_bin NULL,
      status VARCHAR(16) COLLATE utf8mb4_0900_bin NOT NULL DEFAULT 'placed',
      total DECIMAL(10,2) NOT NULL,
      created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
      updated_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
      UNIQUE KEY orders_user_key (user_id, idempotency_key),
      KEY orders_user_newest (user_id, created_at, id),
      CHECK (status IN ('placed', 'cancelled'))
    ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`);
  await sequelize.query(`
    CREATE TABLE order_items (
      id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
      order_id BIGINT NOT NULL,
      product_id BIGINT NOT NULL,
      quantity INT NOT NULL,
      unit_price DECIMAL(10,2) NOT NULL,
      KEY order_items_order (order_id),
      CONSTRAINT order_items_order FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE RESTRICT
    ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`);
};
